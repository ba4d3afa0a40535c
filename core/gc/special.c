// SPDX-License-Identifier: MIT
#include "gc/special.h"

#include <string.h>

#include "gc/finalize.h"
#include "gc/gc.h"
#include "gc/mark.h"
#include "gc/sweep.h"

enum { BUCKETS_FIRST = LG_SIZED(64, 2), VISIT_BATCH = LG_SIZED(64, 3) };

// ---------------------------------------------------------------------------
// The table of a shard
// ---------------------------------------------------------------------------

static uint64_t mix(const void *obj)
{
    return (uint64_t)(uintptr_t)obj * 0x9e3779b97f4a7c15ULL;
}

static uint32_t shard_of(const void *obj)
{
    return (uint32_t)(mix(obj) >> 58) % SPECIAL_SHARDS;
}

static size_t bucket_of(const void *obj, size_t nbuckets)
{
    return (size_t)(mix(obj) >> 24) & (nbuckets - 1);
}

// The link to an object's record, or to the end of its chain; NULL: there is no
// table yet.
static struct special **link_of_locked(struct special_shard *shard, const void *obj)
    LG_REQUIRES(shard->lock)
{
    if (shard->nbuckets == 0) {
        return NULL;
    }
    struct special **at = &shard->buckets[bucket_of(obj, shard->nbuckets)];
    while (*at && (*at)->obj != obj) {
        at = &(*at)->next;
    }
    return at;
}

static int grow_locked(struct special_shard *shard) LG_REQUIRES(shard->lock)
{
    if (shard->count < shard->nbuckets) {
        return LG_OK;
    }
    const struct alloc *alloc = shard->specials.alloc;
    size_t nbuckets = shard->nbuckets ? 2 * shard->nbuckets : BUCKETS_FIRST;
    struct special **buckets = lg__alloc_new(alloc, nbuckets * sizeof(struct special *));
    if (!buckets) {
        return LG_ENOMEM;
    }
    for (size_t i = 0; i < shard->nbuckets; i++) {
        for (struct special *next, *special = shard->buckets[i]; special;
             special = next) {
            next = special->next;
            size_t at = bucket_of(special->obj, nbuckets);
            special->next = buckets[at];
            buckets[at] = special;
        }
    }
    lg__alloc_free(alloc, shard->buckets, shard->nbuckets * sizeof(struct special *));
    shard->buckets = buckets;
    shard->nbuckets = nbuckets;
    return LG_OK;
}

// Finds or makes the record of an object. LG_OK or LG_ENOMEM.
static int obtain_locked(struct special_shard *shard, void *obj, struct special **out)
    LG_REQUIRES(shard->lock)
{
    int err = grow_locked(shard);
    if (err) {
        return err;
    }
    struct special **at = link_of_locked(shard, obj);
    if (!*at) {
        struct special *special = lg__records_get(&shard->specials);
        if (!special) {
            return LG_ENOMEM;
        }
        special->obj = obj;
        *at = special;
        shard->count++;
    }
    *out = *at;
    return LG_OK;
}

static struct special *take_locked(struct special_shard *shard, const void *obj)
    LG_REQUIRES(shard->lock)
{
    struct special **at = link_of_locked(shard, obj);
    struct special *special = at ? *at : NULL;
    if (special) {
        *at = special->next;
        special->next = NULL;
        shard->count--;
    }
    return special;
}

static void drop_if_bare_locked(struct special_shard *shard, struct special *special)
    LG_REQUIRES(shard->lock)
{
    if (!special->fn && lg__list_is_empty(&special->weaks)) {
        take_locked(shard, special->obj);
        lg__records_put(&shard->specials, special);
    }
}

// ---------------------------------------------------------------------------
// All of them
// ---------------------------------------------------------------------------

void lg__specials_init(struct gc_specials *specials, struct gc *gc, struct lg_runtime *rt)
{
    memset(specials, 0, sizeof *specials);
    specials->gc = gc;
    specials->rt = rt;
    for (int i = 0; i < SPECIAL_SHARDS; i++) {
        struct special_shard *shard = &specials->shards[i];
        lg__records_init(&shard->specials, &rt->alloc, sizeof(struct special));
        lg__records_init(&shard->weaks, &rt->alloc, sizeof(struct lg_weak));
    }
}

void lg__specials_fini(struct gc_specials *specials)
{
    for (int i = 0; i < SPECIAL_SHARDS; i++) {
        struct special_shard *shard = &specials->shards[i];
        lg__alloc_free(shard->specials.alloc, shard->buckets,
                       shard->nbuckets * sizeof(struct special *));
        lg__records_fini(&shard->specials);
        lg__records_fini(&shard->weaks);
    }
}

// Takes down those of the next few objects of a shard that have finalizers. False:
// those were the last.
static bool take_batch(struct special_shard *shard, struct records_walk *walk,
                       void **objs, size_t *out_nobjs)
{
    size_t nobjs = 0;
    bool has_more = true;
    lg__lock(&shard->lock, RANK_SPECIALS);
    for (int i = 0; i < VISIT_BATCH && has_more; i++) {
        struct special *special = lg__records_next(&shard->specials, walk);
        has_more = special != NULL;
        if (special && special->obj && special->fn) {
            objs[nobjs++] = special->obj;
        }
    }
    lg__unlock(&shard->lock, RANK_SPECIALS);
    *out_nobjs = nobjs;
    return has_more;
}

static void visit_shard(struct special_shard *shard, void (*visit)(void *ud, void *obj),
                        void *ud)
{
    struct records_walk walk = {0};
    void *objs[VISIT_BATCH];
    bool has_more;
    do {
        size_t nobjs;
        has_more = take_batch(shard, &walk, objs, &nobjs);
        for (size_t i = 0; i < nobjs; i++) {
            visit(ud, objs[i]);
        }
    } while (has_more);
}

void lg__specials_visit_finalizers(struct gc_specials *specials,
                                   void (*visit)(void *ud, void *obj), void *ud)
{
    for (int i = 0; i < SPECIAL_SHARDS; i++) {
        visit_shard(&specials->shards[i], visit, ud);
    }
}

static void clear_weaks_locked(struct special_shard *shard, struct special *special)
    LG_REQUIRES(shard->lock)
{
    (void)shard;
    for (struct node *node; (node = lg__list_pop_front(&special->weaks));) {
        struct lg_weak *weak = LG_CONTAINER_OF(node, struct lg_weak, node);
        weak->ptr = NULL;
        weak->special = NULL;
    }
}

static void object_keep(struct gc *gc, void *obj)
{
    // relaxed: published by the lock of the queue
    atomic_store_explicit(lg__mark_of(obj), lg__mark_byte(lg__gc_epoch(gc), obj),
                          memory_order_relaxed);
}

enum special_verdict lg__specials_sweep(struct gc_specials *specials, void *obj)
{
    struct special_shard *shard = &specials->shards[shard_of(obj)];
    enum special_verdict verdict = SPECIAL_FREE;
    lg__lock(&shard->lock, RANK_SPECIALS);
    struct special *special = take_locked(shard, obj);
    if (special) {
        clear_weaks_locked(shard, special);
        if (special->fn) {
            verdict = SPECIAL_KEEP;
        } else {
            lg__records_put(&shard->specials, special);
        }
    }
    lg__unlock(&shard->lock, RANK_SPECIALS);
    if (verdict == SPECIAL_KEEP) {
        // Before anybody can meet it alive.
        object_keep(specials->gc, obj);
        lg__finalize_push(specials, special);
    }
    return verdict;
}

size_t lg__specials_nweaks(struct gc_specials *specials)
{
    size_t nweaks = 0;
    for (int i = 0; i < SPECIAL_SHARDS; i++) {
        struct special_shard *shard = &specials->shards[i];
        lg__lock(&shard->lock, RANK_SPECIALS);
        nweaks += shard->weaks.nused;
        lg__unlock(&shard->lock, RANK_SPECIALS);
    }
    return nweaks;
}

// The sweeper must ask about this span's dead. It is ours that keeps the span.
static void note_in_span(const struct object *object)
{
    // relaxed: the sweep that must see it comes after the world has stopped
    __atomic_store_n(&object->span->has_specials, true, __ATOMIC_RELAXED);
}

// ---------------------------------------------------------------------------
// Weak references
// ---------------------------------------------------------------------------

static int weak_new_locked(struct special_shard *shard, void *obj, lg_weak **out)
    LG_REQUIRES(shard->lock)
{
    struct lg_weak *weak = lg__records_get(&shard->weaks);
    if (!weak) {
        return LG_ENOMEM;
    }
    struct special *special;
    int err = obtain_locked(shard, obj, &special);
    if (err) {
        lg__records_put(&shard->weaks, weak);
        return err;
    }
    weak->special = special;
    lg__list_push_back(&special->weaks, &weak->node);
    *out = weak;
    return LG_OK;
}

int lg_weak_new(lg_runtime *rt, void *obj, lg_weak **out)
{
    struct gc_specials *specials = &lg__gc(rt)->specials;
    struct object object;
    if (!lg__object_find(specials->gc, obj, &object)) {
        return LG_EINVAL;
    }
    uint32_t number = shard_of(object.start);
    struct special_shard *shard = &specials->shards[number];
    struct lg_weak *weak = NULL;
    lg__lock(&shard->lock, RANK_SPECIALS);
    int err = weak_new_locked(shard, object.start, &weak);
    if (!err) {
        weak->owner = specials;
        weak->shard = number;
        weak->ptr = obj;
        note_in_span(&object);
    }
    lg__unlock(&shard->lock, RANK_SPECIALS);
    lg_keep_alive(obj);
    if (!err) {
        *out = weak;
    }
    return err;
}

// Whether the object may be handed out, as the head of special.h tells.
static bool revive_locked(struct special_shard *shard, struct gc *gc, void *obj)
    LG_REQUIRES(shard->lock)
{
    (void)shard;
    if (lg__gc_is_marking(gc)) {
        lg__gc_shade_outside(gc, obj);
        return true;
    }
    return lg__object_is_marked(gc, obj);
}

void *lg_weak_get(lg_weak *weak)
{
    LG_MISUSE_IF(!weak->owner, "lg_weak_get() of a reference that was freed");
    struct special_shard *shard = &weak->owner->shards[weak->shard];
    lg__lock(&shard->lock, RANK_SPECIALS);
    void *ptr = weak->ptr;
    if (ptr && !revive_locked(shard, weak->owner->gc, weak->special->obj)) {
        ptr = NULL;
    }
    lg__unlock(&shard->lock, RANK_SPECIALS);
    return ptr;
}

void lg_weak_free(lg_weak *weak)
{
    if (!weak) {
        return;
    }
    LG_MISUSE_IF(!weak->owner, "lg_weak_free() of a reference that was freed");
    struct special_shard *shard = &weak->owner->shards[weak->shard];
    lg__lock(&shard->lock, RANK_SPECIALS);
    struct special *special = weak->special;
    if (special) {
        lg__list_remove(&special->weaks, &weak->node);
        drop_if_bare_locked(shard, special);
    }
    lg__records_put(&shard->weaks, weak); // its owner is NULL now
    lg__unlock(&shard->lock, RANK_SPECIALS);
}

// ---------------------------------------------------------------------------
// Finalizers
// ---------------------------------------------------------------------------

static void finalizer_remove(struct special_shard *shard, void *obj)
{
    lg__lock(&shard->lock, RANK_SPECIALS);
    struct special **at = link_of_locked(shard, obj);
    struct special *special = at ? *at : NULL;
    if (special) {
        special->fn = NULL;
        drop_if_bare_locked(shard, special);
    }
    lg__unlock(&shard->lock, RANK_SPECIALS);
}

static int finalizer_set(struct gc_specials *specials, const struct object *object,
                         void (*fn)(void *obj, void *ud), void *ud)
{
    struct special_shard *shard = &specials->shards[shard_of(object->start)];
    struct special *special;
    lg__lock(&shard->lock, RANK_SPECIALS);
    int err = obtain_locked(shard, object->start, &special);
    if (!err) {
        special->fn = fn;
        special->ud = ud;
        note_in_span(object);
        if (lg__gc_is_marking(specials->gc)) {
            // The marker may have been here already.
            lg__gc_shade_outside(specials->gc, object->start);
        }
    }
    lg__unlock(&shard->lock, RANK_SPECIALS);
    return err;
}

int lg_set_finalizer(lg_runtime *rt, void *obj, void (*fn)(void *obj, void *ud), void *ud)
{
    struct gc_specials *specials = &lg__gc(rt)->specials;
    struct object object;
    if (!lg__object_find(specials->gc, obj, &object) || object.start != obj) {
        return LG_EINVAL;
    }
    int err = LG_OK;
    if (!fn) {
        finalizer_remove(&specials->shards[shard_of(obj)], obj);
    } else {
        err = lg__finalize_start(specials);
        err = err ? err : finalizer_set(specials, &object, fn, ud);
    }
    lg_keep_alive(obj);
    return err;
}

void lg__special_done(struct gc_specials *specials, struct special *special)
{
    struct special_shard *shard = &specials->shards[shard_of(special->obj)];
    lg__lock(&shard->lock, RANK_SPECIALS);
    lg__records_put(&shard->specials, special);
    lg__unlock(&shard->lock, RANK_SPECIALS);
}
