// SPDX-License-Identifier: MIT
#include "mem/malloc.h"

#include <string.h>

// ---------------------------------------------------------------------------
// Large blocks
// ---------------------------------------------------------------------------

static size_t pages_for(size_t size_bytes)
{
    return (size_bytes >> PAGE_SHIFT) + (size_bytes % PAGE_BYTES != 0);
}

static struct span *large_new(struct heap *h, size_t size_bytes)
{
    struct span *s;
    lg__heap_reclaim(h, pages_for(size_bytes));
    if (lg__span_new(h, pages_for(size_bytes), SPAN_EXPLICIT, &s) != LG_OK) {
        return NULL;
    }
    lg__span_cut(s, lg__span_bytes(s));
    if (lg__guard_span_init(h, s) != LG_OK) {
        lg__span_free(h, s);
        return NULL;
    }
    lg__span_publish(s);
    // relaxed: a figure
    atomic_fetch_add_explicit(&h->nlarge, 1, memory_order_relaxed);
    lg__guard_take(s->start);
    return s;
}

static void large_free(struct heap *h, void *ptr)
{
    struct span *s = lg__span_of(ptr);
    // relaxed: a figure
    atomic_fetch_sub_explicit(&h->nlarge, 1, memory_order_relaxed);
    lg__guard_span_fini(h, s);
    lg__span_free(h, s);
}

// ---------------------------------------------------------------------------
// The cache to use: the P's, or the one that those without a P share
// ---------------------------------------------------------------------------

static struct mcache *cache_enter(struct heap *h) LG_UNCHECKED_LOCKING
{
    struct mcache *mc = lg__mcache_own(h);
    if (!mc) {
        lg__lock(&h->outside_lock, RANK_OUTSIDE);
        mc = &h->outside;
    }
    return mc;
}

static void cache_leave(struct heap *h, struct mcache *mc) LG_UNCHECKED_LOCKING
{
    if (mc == &h->outside) {
        lg__unlock(&h->outside_lock, RANK_OUTSIDE);
    }
}

static void *small_new(struct heap *h, uint32_t class)
{
    struct mcache *mc = cache_enter(h);
    void *ptr = lg__mcache_get(mc, class);
    cache_leave(h, mc);
    if (ptr) {
        lg__guard_take(ptr);
    }
    return ptr;
}

static void small_free(struct heap *h, void *ptr, uint32_t class)
{
    struct mcache *mc = cache_enter(h);
    lg__mcache_put(mc, class, ptr);
    cache_leave(h, mc);
}

static void *block_new(struct heap *h, size_t size_bytes)
{
    uint32_t class = lg__class_of_aligned(size_bytes);
    if (class) {
        return small_new(h, class);
    }
    struct span *s = large_new(h, size_bytes);
    return s ? s->start : NULL;
}

// The guard knows of it already.
static void block_free(struct heap *h, void *ptr)
{
    struct arena *arena = lg__arena_of(ptr);
    uint32_t class = arena->classes[lg__arena_page(arena, ptr)];
    if (class) {
        small_free(h, ptr, class);
    } else {
        large_free(h, ptr);
    }
}

// ---------------------------------------------------------------------------
// The calls
// ---------------------------------------------------------------------------

LG_NOINLINE void *lg__malloc_slow(struct heap *h, size_t size_bytes)
{
    return block_new(h, size_bytes);
}

LG_NOINLINE void lg__free_slow(struct heap *h, void *ptr)
{
    if (!ptr) {
        return;
    }
    if (!lg__mcache_own(h)) { // else the guard has been asked
        lg__guard_drop(h, ptr, SIZE_MAX, "lg_free()");
    }
    block_free(h, ptr);
}

void lg__free_sized(struct heap *h, void *ptr, size_t size_bytes)
{
    if (!ptr) {
        return;
    }
    lg__guard_drop(h, ptr, size_bytes, "lg_free_sized()");
    uint32_t class = lg__class_of_aligned(size_bytes);
    struct mcache *mc = lg__mcache_own(h);
    if (LG_LIKELY(mc && class)) {
        lg__mcache_put(mc, class, ptr);
    } else if (class) {
        small_free(h, ptr, class);
    } else {
        large_free(h, ptr);
    }
}

void *lg__calloc(struct heap *h, size_t n, size_t size_bytes)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size_bytes, &bytes)) {
        return NULL;
    }
    if (bytes > SMALL_BYTES_MAX) {
        struct span *s = large_new(h, bytes);
        if (!s) {
            return NULL;
        }
        return s->needs_zero ? memset(s->start, 0, bytes) : s->start;
    }
    void *ptr = lg__malloc(h, bytes);
    return ptr ? memset(ptr, 0, bytes) : NULL;
}

size_t lg__malloc_size(const void *ptr)
{
    return lg__span_of(ptr)->elem_bytes;
}

// Whether a block that was asked for with the one size can serve for the other and
// still be freed by it: of one class or, if large, no more than a quarter of it idle.
static bool is_fit(size_t block_bytes, size_t size_bytes)
{
    uint32_t class = lg__class_of_aligned(size_bytes);
    if (class != 0) {
        return lg__class_bytes(class) == block_bytes;
    }
    return size_bytes <= block_bytes && size_bytes >= block_bytes - block_bytes / 4;
}

static void *move(struct heap *h, void *ptr, size_t old_bytes, size_t size_bytes)
{
    void *fresh = lg__malloc(h, size_bytes);
    if (fresh) {
        memcpy(fresh, ptr, old_bytes < size_bytes ? old_bytes : size_bytes);
    }
    return fresh;
}

void *lg__realloc(struct heap *h, void *ptr, size_t size_bytes)
{
    if (!ptr) {
        return lg__malloc(h, size_bytes);
    }
    if (size_bytes == 0) {
        lg__free(h, ptr);
        return NULL;
    }
    lg__guard_check(h, ptr, SIZE_MAX, "lg_realloc()");
    size_t block_bytes = lg__malloc_size(ptr);
    if (is_fit(block_bytes, size_bytes)) {
        return ptr;
    }
    void *fresh = move(h, ptr, block_bytes, size_bytes);
    if (fresh) {
        lg__free(h, ptr);
    }
    return fresh;
}

// ---------------------------------------------------------------------------
// With sizes, and counted for a use
// ---------------------------------------------------------------------------

static size_t block_bytes_for(size_t size_bytes)
{
    uint32_t class = lg__class_of_aligned(size_bytes);
    return class ? lg__class_bytes(class) : pages_for(size_bytes) << PAGE_SHIFT;
}

static void add(_Atomic int64_t *figure, size_t delta)
{
    // relaxed: a figure that we alone write
    int64_t value = atomic_load_explicit(figure, memory_order_relaxed);
    atomic_store_explicit(figure, value + (int64_t)delta, memory_order_relaxed);
}

static void count_use(struct heap *h, lg_use use, size_t asked, size_t slack)
{
    if (use == LG_USE_OTHER) {
        return; // what is left when the others are told
    }
    struct mcache *mc = cache_enter(h);
    add(&mc->asked[use], asked);
    add(&mc->slack[use], slack);
    cache_leave(h, mc);
}

static void count_new(struct heap *h, lg_use use, size_t size_bytes)
{
    count_use(h, use, size_bytes, block_bytes_for(size_bytes) - size_bytes);
}

static void count_freed(struct heap *h, lg_use use, size_t size_bytes)
{
    count_use(h, use, 0 - size_bytes, size_bytes - block_bytes_for(size_bytes));
}

void lg__free_at_least(struct heap *h, lg_use use, void *ptr, size_t size_bytes)
{
    size_t block_bytes = lg__malloc_size(ptr);
    bool is_odd = block_bytes != block_bytes_for(size_bytes);
    lg__guard_drop(h, ptr, SIZE_MAX, "lg_free_at_least()");
    count_freed(h, use, is_odd ? block_bytes : size_bytes);
    block_free(h, ptr);
}

// Interpreters rely on it that a block can always be made smaller. A large one keeps its pages
// then, which the figures do not tell until it is freed.
static bool may_stay(size_t osize, size_t nsize)
{
    return nsize < osize && lg__class_of_aligned(nsize) == 0;
}

// Into a smaller block, which the cap must not refuse: interpreters rely on that, too.
static void *move_into_smaller(struct heap *h, void *ptr, size_t old_bytes,
                               size_t size_bytes)
{
    lg__heap_grace_begin(h);
    void *fresh = move(h, ptr, old_bytes, size_bytes);
    lg__heap_grace_end(h);
    return fresh;
}

static void *resize_for(struct heap *h, lg_use use, void *ptr, size_t osize, size_t nsize)
{
    if (block_bytes_for(osize) == block_bytes_for(nsize)) {
        lg__guard_check(h, ptr, osize, "lg_alloc()");
        count_use(h, use, nsize - osize, osize - nsize);
        return ptr;
    }
    void *fresh = move(h, ptr, osize, nsize);
    if (!fresh && nsize < osize && lg__heap_is_capped(h)) {
        fresh = move_into_smaller(h, ptr, osize, nsize);
    }
    if (fresh) {
        lg__free_sized(h, ptr, osize);
    } else if (may_stay(osize, nsize)) {
        fresh = ptr;
    }
    if (fresh) {
        count_new(h, use, nsize);
        count_freed(h, use, osize);
    }
    return fresh;
}

static LG_NOINLINE void *alloc_slow(struct heap *h, lg_use use, void *ptr, size_t osize,
                                    size_t nsize)
{
    if (nsize == 0) {
        if (ptr) {
            lg__free_sized(h, ptr, osize);
            count_freed(h, use, osize);
        }
        return NULL;
    }
    if (ptr) {
        return resize_for(h, use, ptr, osize, nsize);
    }
    ptr = lg__malloc(h, nsize);
    if (ptr) {
        count_new(h, use, nsize);
    }
    return ptr;
}

static LG_NOINLINE void *spill(struct mcache *mc, uint32_t class)
{
    lg__mcache_spill(mc, class);
    return NULL;
}

// Small blocks that come and go on a P are most of what interpreters ask for. Whatever is
// rare is called last, so that nothing has to be saved for it.
void *lg__alloc_for(struct heap *h, lg_use use, void *ptr, size_t osize, size_t nsize)
{
    struct mcache *mc = lg__mcache_own(h);
    if (LG_UNLIKELY(!mc)) {
        return alloc_slow(h, use, ptr, osize, nsize);
    }
    if (LG_LIKELY(!ptr && nsize > 0 && nsize <= LOOKUP_BYTES_MAX)) {
        uint32_t class = lg__class_of_aligned(nsize);
        ptr = lg__mcache_try_get(mc, class);
        if (LG_UNLIKELY(!ptr)) {
            return alloc_slow(h, use, NULL, osize, nsize);
        }
        lg__guard_take(ptr);
        add(&mc->asked[use], nsize);
        add(&mc->slack[use], lg__class_bytes(class) - nsize);
        return ptr;
    }
    if (LG_LIKELY(ptr && nsize == 0 && osize <= LOOKUP_BYTES_MAX)) {
        uint32_t class = lg__class_of_aligned(osize);
        lg__guard_drop(h, ptr, osize, "lg_alloc()");
        add(&mc->asked[use], 0 - osize);
        add(&mc->slack[use], osize - lg__class_bytes(class));
        return LG_LIKELY(lg__mcache_push(mc, class, ptr)) ? NULL : spill(mc, class);
    }
    return alloc_slow(h, use, ptr, osize, nsize);
}
