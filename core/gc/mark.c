// SPDX-License-Identifier: MIT
#include "gc/mark.h"

#include "gc/newobject.h"
#include "gc/sweep.h"
#include "mem/mheap.h"
#include "sched/world.h"

enum {
    AHEAD = 16, // how far ahead memory is asked for; a power of two
    // Large objects are scanned in pieces, so that several may share one and
    // none holds an M for long.
    PIECE_BYTES = 128 * 1024,
    // Objects between two looks at whether somebody else wants the M.
    LOOK_EVERY = 64,
    PIECE_TAG = 1,
    TYPE_WORD = sizeof(struct lg_type *),
};

// What a marking M has at hand.
struct marker {
    struct gc *gc;
    struct gc_work *work;
    uint8_t black;
    uint8_t white;
    size_t done_bytes;
    // -- references whose mark bytes are on their way --
    const void *found[AHEAD];
    uint32_t nfound; // ever
    // -- grey objects whose lines are on their way --
    char *grey[AHEAD];
    uint32_t ngrey; // ever
};

// ---------------------------------------------------------------------------
// Colours
// ---------------------------------------------------------------------------

// Marks the object that a pointer leads into; NULL: none, or it was marked.
// What others mark at the same moment is scanned twice, which does no harm.
static LG_NOINLINE char *mark_inside(struct gc *gc, const void *ptr)
{
    struct span *s = lg__heap_find(gc->heap, ptr);
    if (!s || lg__span_kind(s) != SPAN_COLLECTED) {
        return NULL;
    }
    uint32_t index = lg__span_index(s, ptr);
    if (index >= s->nelems) {
        return NULL; // the rest of its last page
    }
    char *start = s->start + index * s->elem_bytes;
    uint8_t black = lg__gc_epoch(gc);
    _Atomic(uint8_t) *mark = lg__mark_of(start);
    // acquire: pairs with the release in newobject.c:set_marks()
    uint8_t byte = atomic_load_explicit(mark, memory_order_acquire);
    if (byte == 0 || (byte & black)) {
        return NULL;
    }
    // relaxed: who scans it takes it from a buffer, under the pool's lock
    atomic_store_explicit(mark, lg__mark_byte(black, start), memory_order_relaxed);
    return start;
}

// The usual case: a pointer to the start of an object, told by its mark byte alone.
LG_INLINE char *mark_exact(struct gc *gc, const void *ptr, uint8_t black, uint8_t white)
{
    struct arena *arena = lg__heap_arena(gc->heap, ptr);
    if (!arena) {
        return NULL;
    }
    if (LG_UNLIKELY((uintptr_t)arena != ((uintptr_t)ptr & ~ARENA_MASK) ||
                    ((uintptr_t)ptr & 7) != 0)) {
        return mark_inside(gc, ptr);
    }
    _Atomic(uint8_t) *mark = lg__mark_of(ptr);
    // acquire: as above
    uint8_t byte = atomic_load_explicit(mark, memory_order_acquire);
    if (byte == lg__mark_byte(black, ptr)) {
        return NULL;
    }
    if (LG_LIKELY(byte == lg__mark_byte(white, ptr))) {
        // relaxed: as above
        atomic_store_explicit(mark, lg__mark_byte(black, ptr), memory_order_relaxed);
        return (char *)(uintptr_t)ptr;
    }
    return mark_inside(gc, ptr);
}

void lg__gc_shade(struct gc *gc, struct gc_work *work, const void *ptr)
{
    uint8_t black = lg__gc_epoch(gc);
    char *object = mark_exact(gc, ptr, black, MARK_EPOCHS - black);
    if (object) {
        lg__work_push(gc, work, object);
    }
}

void lg__gc_shade_outside(struct gc *gc, const void *ptr)
{
    lg__lock(&gc->outside_lock, RANK_GC_OUT);
    lg__gc_shade(gc, &gc->outside, ptr);
    lg__unlock(&gc->outside_lock, RANK_GC_OUT);
}

bool lg__gc_flush_outside(struct gc *gc)
{
    lg__lock(&gc->outside_lock, RANK_GC_OUT);
    bool has_some = gc->outside.buf && gc->outside.buf->count > 0;
    lg__work_flush(gc, &gc->outside);
    lg__unlock(&gc->outside_lock, RANK_GC_OUT);
    return has_some;
}

__attribute__((no_sanitize_address, no_sanitize_thread)) void
lg__gc_shade_range(struct gc *gc, struct gc_work *work, const void *lo, const void *hi)
{
    const uintptr_t aligned =
        ((uintptr_t)lo + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    void *const *word = (void *const *)aligned;
    for (; word + 1 <= (void *const *)hi; word++) {
        // relaxed: the words of others, of any age
        void *ptr = __atomic_load_n(word, __ATOMIC_RELAXED);
        if (ptr) {
            lg__gc_shade(gc, work, ptr);
        }
    }
}

void lg__gc_shade_words(struct lg_runtime *rt, const void *lo, size_t size_bytes)
{
    struct gc *gc = lg__gc(rt);
    struct m *m = lg__m();
    struct gc_p *gp = m && m->rt == rt && m->p ? m->p->gc : NULL;
    const void *hi = (const char *)lo + size_bytes;
    if (gp) {
        lg__gc_shade_range(gc, &gp->work, lo, hi);
        return;
    }
    lg__lock(&gc->outside_lock, RANK_GC_OUT);
    lg__gc_shade_range(gc, &gc->outside, lo, hi);
    lg__unlock(&gc->outside_lock, RANK_GC_OUT);
}

// ---------------------------------------------------------------------------
// References
// ---------------------------------------------------------------------------

// A pointer that is not to the start of an object of its own arena.
static LG_NOINLINE void discover_odd(struct marker *mk, const void *ptr)
{
    char *object = mark_inside(mk->gc, ptr);
    if (object) {
        lg__work_push(mk->gc, mk->work, object);
    }
}

// Its mark byte has come.
LG_INLINE void check(struct marker *mk, const void *ptr)
{
    _Atomic(uint8_t) *mark = lg__mark_of(ptr);
    // acquire: pairs with the release in newobject.c:set_marks()
    uint8_t byte = atomic_load_explicit(mark, memory_order_acquire);
    if (byte == lg__mark_byte(mk->white, ptr)) {
        // relaxed: as in mark_inside()
        atomic_store_explicit(mark, lg__mark_byte(mk->black, ptr), memory_order_relaxed);
        lg__work_push(mk->gc, mk->work, (char *)(uintptr_t)ptr);
    } else if (LG_UNLIKELY(byte != lg__mark_byte(mk->black, ptr))) {
        discover_odd(mk, ptr);
    }
}

LG_INLINE void discover(struct marker *mk, const void *ptr)
{
    if ((uintptr_t)ptr < ARENA_BYTES) {
        return; // NULL, or a number: that arena would begin at NULL
    }
    struct arena *arena = lg__heap_arena(mk->gc->heap, ptr);
    if (LG_UNLIKELY(arena != lg__arena_of(ptr) || ((uintptr_t)ptr & 7) != 0)) {
        if (arena) {
            discover_odd(mk, ptr);
        }
        return;
    }
    __builtin_prefetch((const void *)lg__mark_of(ptr));
    const void **slot = &mk->found[mk->nfound++ % AHEAD];
    const void *old = *slot;
    *slot = ptr;
    if (LG_LIKELY(old)) {
        check(mk, old);
    }
}

static LG_NOINLINE void settle_found(struct marker *mk)
{
    for (uint32_t i = 0; i < AHEAD; i++) {
        const void **slot = &mk->found[mk->nfound++ % AHEAD];
        const void *ptr = *slot;
        *slot = NULL;
        if (ptr) {
            check(mk, ptr);
        }
    }
}

LG_INLINE void *load_ref(const char *slot)
{
    // acquire: pairs with the release in lg_store(); the object behind it is made
    return __atomic_load_n((void *const *)(const void *)slot, __ATOMIC_ACQUIRE);
}

LG_INLINE void scan_value(struct marker *mk, const struct lg_type *type, const char *at)
{
    const struct type_run *run = type->runs;
    for (uint32_t i = type->nruns; i > 0; i--, run++) {
        const char *slot = at + run->offset;
        for (uint32_t n = run->count; n > 0; n--, slot += sizeof(void *)) {
            discover(mk, load_ref(slot));
        }
    }
}

static LG_NOINLINE void scan_values(struct marker *mk, const struct lg_type *type,
                                    const char *at, const char *end)
{
    for (; at + type->size_bytes <= end; at += type->size_bytes) {
        scan_value(mk, type, at);
    }
}

// A large array is scanned in pieces. Those but the first come as grey pointers of
// their own, tagged, since they may lie in an arena without a header.
static LG_NOINLINE void scan_large(struct marker *mk, struct span *s, char *at)
{
    size_t size_bytes = s->type->size_bytes;
    size_t piece =
        PIECE_BYTES > size_bytes ? PIECE_BYTES / size_bytes * size_bytes : size_bytes;
    char *end = s->start + s->elem_bytes;
    if (at == s->start) {
        for (char *next = at + piece; next < end; next += piece) {
            lg__work_push(mk->gc, mk->work, next + PIECE_TAG);
        }
    }
    char *stop = (size_t)(end - at) > piece ? at + piece : end;
    scan_values(mk, s->type, at, stop);
    mk->done_bytes += (size_t)(stop - at);
}

static LG_NOINLINE void scan_sized(struct marker *mk, struct span *s, char *object)
{
    if (s->nelems == 1 && s->type && s->has_refs) {
        scan_large(mk, s, object);
        return;
    }
    mk->done_bytes += s->elem_bytes;
    if (!s->has_refs) {
        return;
    }
    char *end = object + s->elem_bytes - TYPE_WORD;
    // acquire: pairs with the release in newobject.c:new_sized(); NULL: a stray pointer
    // to a slot that is not used yet
    struct lg_type *type =
        __atomic_load_n((struct lg_type **)(void *)end, __ATOMIC_ACQUIRE);
    if (type) {
        scan_values(mk, type, object, end);
    }
}

LG_INLINE void scan(struct marker *mk, char *grey)
{
    if (LG_UNLIKELY((uintptr_t)grey & PIECE_TAG)) {
        char *piece = grey - PIECE_TAG;
        scan_large(mk, lg__heap_find(mk->gc->heap, piece), piece);
        return;
    }
    struct span *s = lg__span_of(grey);
    if (LG_LIKELY(s->family->type)) {
        mk->done_bytes += s->elem_bytes;
        scan_value(mk, s->type, grey);
        return;
    }
    scan_sized(mk, s, grey);
}

// ---------------------------------------------------------------------------
// The loop
// ---------------------------------------------------------------------------

LG_INLINE void ask_for(char *grey)
{
    if (LG_UNLIKELY((uintptr_t)grey & PIECE_TAG)) {
        return;
    }
    __builtin_prefetch(grey);
    struct arena *arena = lg__arena_of(grey);
    __builtin_prefetch(&arena->spans[lg__arena_page(arena, grey)]);
}

// The rings drain: what has waited in them comes out, and what that finds.
static LG_NOINLINE char *next_grey_slow(struct marker *mk)
{
    for (uint32_t tries = 0; tries <= AHEAD; tries++) {
        char *fresh = lg__work_pop(mk->gc, mk->work);
        if (!fresh) {
            settle_found(mk);
            fresh = lg__work_pop(mk->gc, mk->work);
        }
        char **slot = &mk->grey[mk->ngrey++ % AHEAD];
        char *old = *slot;
        *slot = fresh;
        if (fresh) {
            ask_for(fresh);
        }
        if (old) {
            return old;
        }
    }
    return NULL;
}

// The next grey object, its lines asked for some objects ago; NULL: there is none.
LG_INLINE char *next_grey(struct marker *mk)
{
    struct workbuf *buf = mk->work->buf;
    if (LG_LIKELY(buf && buf->count > 0)) {
        char **slot = &mk->grey[mk->ngrey % AHEAD];
        char *old = *slot;
        if (LG_LIKELY(old)) {
            mk->ngrey++;
            *slot = buf->objects[--buf->count];
            ask_for(*slot);
            return old;
        }
    }
    return next_grey_slow(mk);
}

// What is on its way goes back to the others.
static void put_back(struct marker *mk)
{
    settle_found(mk);
    for (uint32_t i = 0; i < AHEAD; i++) {
        if (mk->grey[i]) {
            lg__work_push(mk->gc, mk->work, mk->grey[i]);
        }
    }
    lg__work_flush(mk->gc, mk->work);
}

size_t lg__mark_some(struct gc *gc, struct gc_p *gp, size_t budget_bytes)
{
    uint8_t black = lg__gc_epoch(gc);
    struct marker mk = {
        .gc = gc, .work = &gp->work, .black = black, .white = MARK_EPOCHS - black};
    // seq_cst: counted before the first object is taken, so that who finds the
    // pool empty and nobody marking (cycle.c) has not missed one in our hands
    atomic_fetch_add_explicit(&gc->nmarking, 1, memory_order_seq_cst);
    uint32_t count = 0;
    while (mk.done_bytes < budget_bytes) {
        char *object = next_grey(&mk);
        if (!object) {
            break;
        }
        scan(&mk, object);
        if (++count % LOOK_EVERY == 0) {
            if (lg__world_is_wanted(gc->rt)) {
                break;
            }
            lg__work_share(gc, mk.work);
        }
    }
    put_back(&mk);
    // relaxed: we are the only writer
    uint64_t marked = atomic_load_explicit(&gp->marked_bytes, memory_order_relaxed);
    atomic_store_explicit(&gp->marked_bytes, marked + mk.done_bytes,
                          memory_order_relaxed);
    // seq_cst: as above
    atomic_fetch_sub_explicit(&gc->nmarking, 1, memory_order_seq_cst);
    return mk.done_bytes;
}

// ---------------------------------------------------------------------------
// For others
// ---------------------------------------------------------------------------

struct shading {
    struct gc *gc;
    struct gc_work *work;
};

static void shade_slot(void *ud, void **slot)
{
    struct shading *shading = ud;
    lg__gc_shade(shading->gc, shading->work, load_ref((const char *)slot));
}

void lg__gc_shade_children(struct gc *gc, struct gc_work *work, void *object)
{
    struct object found;
    if (lg__object_find(gc, object, &found)) {
        struct shading shading = {.gc = gc, .work = work};
        lg__object_each_ref(&found, shade_slot, &shading);
    }
}

static void shade_marked(void *ud, struct span *s)
{
    struct shading *shading = ud;
    for (uint32_t i = 0; s->has_refs && i < s->nelems; i++) {
        char *start = s->start + i * s->elem_bytes;
        if (lg__object_is_marked(shading->gc, start)) {
            lg__gc_shade_children(shading->gc, shading->work, start);
        }
    }
}

// By the families' lists, not by the heap's walk, whose lock comes after the pool's.
void lg__mark_again(struct gc *gc, struct gc_work *work)
{
    struct shading shading = {.gc = gc, .work = work};
    lg__lock(&gc->families.lock, RANK_FAMILIES);
    for (struct node *node = gc->families.all.first; node; node = node->next) {
        struct gc_family *f = LG_CONTAINER_OF(node, struct gc_family, node);
        lg__family_each_span(f, shade_marked, &shading);
    }
    lg__unlock(&gc->families.lock, RANK_FAMILIES);
    for (uint32_t i = 0; i < lg__nps(gc->rt); i++) {
        struct gc_p *gp = lg__gc_of(lg__p_at(gc->rt, i));
        if (gp) {
            lg__holes_each_span(gp, shade_marked, &shading);
        }
    }
}
