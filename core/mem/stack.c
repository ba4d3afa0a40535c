// SPDX-License-Identifier: MIT
#include "mem/stack.h"

#include <string.h>

#include "os/ctx.h"
#include "os/vm.h"

enum {
    // Address space asked for at a time, at least four slots of it.
    SLAB_BYTES = LG_SIZED(64 * 1024 * 1024, 1024 * 1024),
    SLAB_SLOTS_MIN = 4,
    // Free stacks whose pages are kept.
    WARM_MAX = LG_SIZED(4096, 4),
    // Cache lines by which tops differ: 32 of 64 bytes are half a page.
    COLOURS = 32,
};

static const uint64_t CANARY = 0x6c61676f6f6e2121; // no pointer, no small number

void lg__stack_pool_init(struct stack_pool *pool, struct alloc *alloc,
                         size_t usual_size_bytes)
{
    memset(pool, 0, sizeof *pool);
    pool->alloc = alloc;
    pool->usual_class = lg__stack_class_of(usual_size_bytes);
}

void lg__stack_pool_fini(struct stack_pool *pool)
{
    while (pool->slabs) {
        struct slab *slab = pool->slabs;
        pool->slabs = slab->next;
        lg__vm_free(slab->mem, slab->size_bytes);
        lg__alloc_free(pool->alloc, slab, sizeof *slab);
    }
}

uint32_t lg__stack_class_of(size_t size_bytes)
{
    uint32_t size_class = 0;
    while (((size_t)1 << (size_class + STACK_MIN_SHIFT)) < size_bytes) {
        size_class++;
    }
    return size_class;
}

static bool add_slab_locked(struct stack_pool *pool, uint32_t size_class)
    LG_REQUIRES(pool->lock)
{
    size_t slot_bytes = (size_t)1 << (size_class + STACK_MIN_SHIFT);
    size_t size_bytes = SLAB_BYTES;
    if (size_bytes < slot_bytes * SLAB_SLOTS_MIN) {
        size_bytes = slot_bytes * SLAB_SLOTS_MIN;
    }
    struct slab *slab = lg__alloc_new(pool->alloc, sizeof *slab);
    if (!slab) {
        return false;
    }
    if (lg__vm_reserve(size_bytes, &slab->mem) != 0) {
        lg__alloc_free(pool->alloc, slab, sizeof *slab);
        return false;
    }
    slab->size_bytes = size_bytes;
    slab->next = pool->slabs;
    pool->slabs = slab;
    struct stack_class *cls = &pool->classes[size_class];
    cls->fresh = slab->mem;
    cls->fresh_end = cls->fresh + size_bytes;
    return true;
}

// Writes the record into a slot and makes its guard.
static struct stack *slot_prepare(char *low, uint32_t size_class, uint32_t colour)
{
    size_t slot_bytes = (size_t)1 << (size_class + STACK_MIN_SHIFT);
    char *high = low + slot_bytes - (size_t)colour * LG_CACHELINE;
    size_t record_bytes = (sizeof(struct stack) + 63) & ~(size_t)63;
    struct stack *stack = (struct stack *)(void *)(high - record_bytes);
    memset(stack, 0, sizeof *stack);
    stack->low = low;
    stack->size_class = size_class;
    stack->has_guard = lg__vm_guard(low, lg__vm_page_bytes());
    if (!stack->has_guard) {
        memcpy(low, &CANARY, sizeof CANARY);
    }
    return stack;
}

static struct stack *pop_locked(struct stack_pool *pool, uint32_t size_class)
    LG_REQUIRES(pool->lock)
{
    struct stack_class *cls = &pool->classes[size_class];
    struct stack *stack = cls->warm;
    if (stack) {
        cls->warm = stack->next;
        pool->nwarm--;
        return stack;
    }
    stack = cls->cold;
    if (stack) {
        cls->cold = stack->next;
        pool->ncold--;
    }
    return stack;
}

static struct stack *get_slow(struct stack_pool *pool, uint32_t size_class)
{
    size_t slot_bytes = (size_t)1 << (size_class + STACK_MIN_SHIFT);
    char *low = NULL;
    uint32_t colour = 0;

    lg__lock(&pool->lock, RANK_STACKS);
    struct stack *stack = pop_locked(pool, size_class);
    struct stack_class *cls = &pool->classes[size_class];
    if (!stack && (cls->fresh != cls->fresh_end || add_slab_locked(pool, size_class))) {
        low = cls->fresh;
        cls->fresh += slot_bytes;
        colour = (uint32_t)(pool->nmade++ % COLOURS);
    }
    lg__unlock(&pool->lock, RANK_STACKS);

    if (low) {
        stack = slot_prepare(low, size_class, colour);
    }
    return stack;
}

static uint32_t cache_count(struct stack_cache *cache)
{
    // relaxed: our own value
    return atomic_load_explicit(&cache->count, memory_order_relaxed);
}

static void cache_count_set(struct stack_cache *cache, uint32_t count)
{
    // relaxed: a figure for others
    atomic_store_explicit(&cache->count, count, memory_order_relaxed);
}

struct stack *lg__stack_get(struct stack_pool *pool, struct stack_cache *cache,
                            uint32_t size_class)
{
    struct stack *stack;
    if (cache && size_class == pool->usual_class && cache->first) {
        stack = cache->first;
        cache->first = stack->next;
        cache_count_set(cache, cache_count(cache) - 1);
    } else {
        stack = get_slow(pool, size_class);
        if (!stack) {
            return NULL;
        }
    }
#ifdef LG_CHECK
    stack->is_free = false;
#endif
    return stack;
}

static void pool_push(struct stack_pool *pool, struct stack *stack)
{
    struct stack_class *cls = &pool->classes[stack->size_class];
    lg__lock(&pool->lock, RANK_STACKS);
    bool is_warm = pool->nwarm < WARM_MAX;
    if (is_warm) {
        stack->next = cls->warm;
        cls->warm = stack;
        pool->nwarm++;
    }
    lg__unlock(&pool->lock, RANK_STACKS);
    if (is_warm) {
        return;
    }

    // All but the topmost pages, which hold the record and its colour.
    size_t page_bytes = lg__vm_page_bytes();
    uintptr_t keep = ((uintptr_t)stack & ~(uintptr_t)(page_bytes - 1));
    size_t guard_bytes = page_bytes;
    lg__vm_discard(stack->low + guard_bytes, keep - (uintptr_t)stack->low - guard_bytes);
    lg__lock(&pool->lock, RANK_STACKS);
    stack->next = cls->cold;
    cls->cold = stack;
    pool->ncold++;
    lg__unlock(&pool->lock, RANK_STACKS);
}

void lg__stack_put(struct stack_pool *pool, struct stack_cache *cache,
                   struct stack *stack)
{
    lg__stack_check_canary(stack);
#ifdef LG_CHECK
    LG_ASSERT(!stack->is_free);
    stack->is_free = true;
#endif
    if (cache && stack->size_class == pool->usual_class &&
        cache_count(cache) < STACK_CACHE_CAP) {
        stack->next = cache->first;
        cache->first = stack;
        cache_count_set(cache, cache_count(cache) + 1);
        return;
    }
    pool_push(pool, stack);
}

void lg__stack_cache_flush(struct stack_pool *pool, struct stack_cache *cache)
{
    while (cache->first) {
        struct stack *stack = cache->first;
        cache->first = stack->next;
        pool_push(pool, stack);
    }
    cache_count_set(cache, 0);
}

void lg__stack_pool_counts(struct stack_pool *pool, size_t *out_taken, size_t *out_free)
{
    lg__lock(&pool->lock, RANK_STACKS);
    *out_free = pool->nwarm + pool->ncold;
    *out_taken = pool->nmade - *out_free;
    lg__unlock(&pool->lock, RANK_STACKS);
}

bool lg__stack_is_overflow(const struct stack *stack, const void *addr)
{
    uintptr_t offset = (uintptr_t)addr - (uintptr_t)stack->low;
    return offset < lg__vm_page_bytes();
}

void lg__stack_check_canary_slow(const struct stack *stack)
{
    if (memcmp(stack->low, &CANARY, sizeof CANARY) != 0) {
        lg__panic("stack overflow: a goroutine needs more than its %zu KB",
                  lg__stack_size_bytes(stack) / 1024);
    }
}
