// SPDX-License-Identifier: MIT
#include "mem/stack.h"

#include <string.h>

#include "mem/mheap.h"
#include "mem/poison.h"
#include "os/ctx.h"
#include "os/vm.h"

enum {
    // Address space asked for at a time, at least four slots of it.
    SLAB_BYTES = LG_SIZED(64 * 1024 * 1024, 1024 * 1024),
    SLAB_SLOTS_MIN = 4,
    // Free stacks whose pages are kept however long nobody needs them.
    WARM_MIN = LG_SIZED(1024, 4),
    // What one lg__stack_pool_trim() gives back: each is a system call of some
    // microseconds.
    TRIM_MAX = LG_SIZED(1024, 8),
    // Cache lines by which tops differ: 32 of 64 bytes are half a page.
    COLOURS = 32,
    // What one counts for under the heap's cap: a fresh one touches little more than a page.
    CHARGE_BYTES = 8 * 1024,
};

static const uint64_t CANARY = 0x6c61676f6f6e2121; // no pointer, no small number

void lg__stack_pool_init(struct stack_pool *pool, struct heap *heap, struct alloc *alloc,
                         size_t usual_size_bytes)
{
    memset(pool, 0, sizeof *pool);
    pool->heap = heap;
    pool->alloc = alloc;
    pool->usual_class = lg__stack_class_of(usual_size_bytes);
}

static size_t slab_record_bytes(uint32_t nslots)
{
    return sizeof(struct slab) + nslots * sizeof(uint32_t);
}

void lg__stack_pool_fini(struct stack_pool *pool)
{
    while (pool->slabs) {
        struct slab *slab = pool->slabs;
        pool->slabs = slab->next;
        // The marks of goroutines that have never returned would outlive the mapping.
        lg__unpoison(slab->mem, slab->size_bytes);
        lg__vm_free(slab->mem, slab->size_bytes);
        lg__alloc_free(pool->alloc, slab, slab_record_bytes(slab->nslots));
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

static size_t slot_bytes_of(uint32_t size_class)
{
    return (size_t)1 << (size_class + STACK_MIN_SHIFT);
}

static bool add_slab_locked(struct stack_pool *pool, uint32_t size_class)
    LG_REQUIRES(pool->lock)
{
    size_t slot_bytes = slot_bytes_of(size_class);
    uint32_t nslots = (uint32_t)(SLAB_BYTES / slot_bytes);
    if (nslots < SLAB_SLOTS_MIN) {
        nslots = SLAB_SLOTS_MIN;
    }
    struct slab *slab = lg__alloc_new(pool->alloc, slab_record_bytes(nslots));
    if (!slab) {
        return false;
    }
    void *mem;
    if (lg__vm_reserve(nslots * slot_bytes, &mem) != 0) {
        lg__alloc_free(pool->alloc, slab, slab_record_bytes(nslots));
        return false;
    }
    slab->mem = mem;
    slab->size_bytes = nslots * slot_bytes;
    slab->nslots = nslots;
    slab->next = pool->slabs;
    pool->slabs = slab;
    pool->classes[size_class].fresh = slab;
    return true;
}

// A frame may be larger than a page and touch nothing in the first one, and so
// step over a small guard. Interpreters have such (string buffers of 8 KB).
// Large stacks, on which they run, can afford a guard that nothing oversteps.
static size_t guard_bytes_of(uint32_t size_class)
{
    enum { LARGE_SLOT_BYTES = 1024 * 1024, LARGE_GUARD_BYTES = 64 * 1024 };
    bool is_large = slot_bytes_of(size_class) >= LARGE_SLOT_BYTES;
    return is_large ? LARGE_GUARD_BYTES : lg__vm_page_bytes();
}

// Writes the record into a slot that has none, and makes its guard unless the
// slot has kept one.
static struct stack *slot_prepare(struct slab *slab, uint32_t cold, uint32_t size_class)
{
    uint32_t slot = cold / 2;
    size_t slot_bytes = slot_bytes_of(size_class);
    char *low = slab->mem + slot * slot_bytes;
    char *high = low + slot_bytes - (size_t)(slot % COLOURS) * LG_CACHELINE;
    size_t record_bytes = (sizeof(struct stack) + 63) & ~(size_t)63;
    struct stack *stack = (struct stack *)(void *)(high - record_bytes);
    memset(stack, 0, sizeof *stack);
    stack->slab = slab;
    stack->low = low;
    stack->size_class = size_class;
    stack->has_guard = (cold & 1) != 0 || lg__vm_guard(low, guard_bytes_of(size_class));
    if (!stack->has_guard) {
        memcpy(low, &CANARY, sizeof CANARY);
    }
    return stack;
}

// A slot without a record: a cold one, else one never used.
static struct slab *take_slot_locked(struct stack_pool *pool, uint32_t size_class,
                                     uint32_t *out_cold) LG_REQUIRES(pool->lock)
{
    struct stack_class *cls = &pool->classes[size_class];
    struct slab *slab = cls->cold;
    if (slab) {
        *out_cold = slab->cold[--slab->ncold];
        pool->ncold--;
        if (slab->ncold == 0) {
            cls->cold = slab->next_cold;
        }
        return slab;
    }
    if (!cls->fresh && !add_slab_locked(pool, size_class)) {
        return NULL;
    }
    slab = cls->fresh;
    *out_cold = slab->nfresh++ * 2;
    pool->nmade++;
    if (slab->nfresh == slab->nslots) {
        cls->fresh = NULL;
    }
    return slab;
}

static struct stack *pop_warm_locked(struct stack_pool *pool, struct stack_class *cls)
    LG_REQUIRES(pool->lock)
{
    struct stack *stack = cls->warm;
    if (stack) {
        cls->warm = stack->next;
        pool->nwarm--;
        if (pool->nwarm < pool->least_warm) {
            pool->least_warm = pool->nwarm;
        }
    }
    return stack;
}

static struct stack *get_slow(struct stack_pool *pool, uint32_t size_class)
{
    struct stack_class *cls = &pool->classes[size_class];
    struct slab *slab = NULL;
    uint32_t cold = 0;
    lg__lock(&pool->lock, RANK_STACKS);
    struct stack *stack = pop_warm_locked(pool, cls);
    if (!stack && lg__heap_charge(pool->heap, CHARGE_BYTES)) {
        slab = take_slot_locked(pool, size_class, &cold);
        if (!slab) {
            lg__heap_discharge(pool->heap, CHARGE_BYTES);
        }
    }
    lg__unlock(&pool->lock, RANK_STACKS);
    return slab ? slot_prepare(slab, cold, size_class) : stack;
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

// Gives back all pages of a slot, the record with them.
static void make_cold(struct stack_pool *pool, struct stack *stack)
{
    struct stack_class *cls = &pool->classes[stack->size_class];
    struct slab *slab = stack->slab;
    size_t slot_bytes = slot_bytes_of(stack->size_class);
    size_t guard_bytes = guard_bytes_of(stack->size_class);
    char *low = stack->low;
    uint32_t has_guard = stack->has_guard;
    lg__vm_discard(low + guard_bytes, slot_bytes - guard_bytes);
    lg__heap_discharge(pool->heap, CHARGE_BYTES);

    lg__lock(&pool->lock, RANK_STACKS);
    if (slab->ncold == 0) {
        slab->next_cold = cls->cold;
        cls->cold = slab;
    }
    uint32_t slot = (uint32_t)((size_t)(low - slab->mem) / slot_bytes);
    slab->cold[slab->ncold++] = slot * 2 + has_guard;
    pool->ncold++;
    lg__unlock(&pool->lock, RANK_STACKS);
}

static void pool_push(struct stack_pool *pool, struct stack *stack)
{
    struct stack_class *cls = &pool->classes[stack->size_class];
    lg__lock(&pool->lock, RANK_STACKS);
    stack->next = cls->warm;
    cls->warm = stack;
    pool->nwarm++;
    lg__unlock(&pool->lock, RANK_STACKS);
}

// Takes a warm stack of whatever class has one, the largest first.
static struct stack *pop_any_locked(struct stack_pool *pool) LG_REQUIRES(pool->lock)
{
    struct stack *stack = NULL;
    for (int i = STACK_CLASSES - 1; i >= 0 && !stack; i--) {
        stack = pop_warm_locked(pool, &pool->classes[i]);
    }
    return stack;
}

bool lg__stack_pool_trim(struct stack_pool *pool)
{
    lg__lock(&pool->lock, RANK_STACKS);
    size_t surplus = pool->least_warm > WARM_MIN ? pool->least_warm - WARM_MIN : 0;
    lg__unlock(&pool->lock, RANK_STACKS);
    for (size_t i = 0; i < surplus && i < TRIM_MAX; i++) {
        lg__lock(&pool->lock, RANK_STACKS);
        struct stack *stack = pop_any_locked(pool);
        lg__unlock(&pool->lock, RANK_STACKS);
        if (stack) {
            make_cold(pool, stack);
        }
    }
    lg__lock(&pool->lock, RANK_STACKS);
    pool->least_warm = pool->nwarm;
    bool has_more = pool->nwarm > WARM_MIN;
    lg__unlock(&pool->lock, RANK_STACKS);
    return has_more;
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

// Of the slots that were ever used, looks at every so many in rows of 16.
static size_t slab_bytes(const struct slab *slab, uint32_t nfresh, uint32_t every)
{
    enum { ROW = 16 };
    size_t slot_bytes = slab->size_bytes / slab->nslots;
    size_t bytes = 0;
    size_t nseen = 0;
    for (uint32_t slot = 0; slot < nfresh; slot += ROW * every) {
        uint32_t n = nfresh - slot < ROW ? nfresh - slot : ROW;
        bytes += lg__vm_resident(slab->mem + slot * slot_bytes, n * slot_bytes);
        nseen += n;
    }
    return nseen ? bytes / nseen * nfresh : 0;
}

size_t lg__stack_pool_bytes(struct stack_pool *pool)
{
    enum { SEEN_MAX = 4096 };
    size_t bytes = 0;
    lg__lock(&pool->lock, RANK_STACKS);
    uint32_t every = (uint32_t)(pool->nmade / SEEN_MAX) + 1;
    struct slab *slab = pool->slabs;
    lg__unlock(&pool->lock, RANK_STACKS);
    // Slabs stay until the pool goes.
    while (slab) {
        lg__lock(&pool->lock, RANK_STACKS);
        uint32_t nfresh = slab->nfresh;
        lg__unlock(&pool->lock, RANK_STACKS);
        bytes += slab_bytes(slab, nfresh, every);
        slab = slab->next;
    }
    return bytes;
}

bool lg__stack_is_overflow(const struct stack *stack, const void *addr)
{
    uintptr_t offset = (uintptr_t)addr - (uintptr_t)stack->low;
    return offset < guard_bytes_of(stack->size_class);
}

void lg__stack_check_canary_slow(const struct stack *stack)
{
    if (memcmp(stack->low, &CANARY, sizeof CANARY) != 0) {
        lg__panic("stack overflow: a goroutine needs more than its %zu KB",
                  lg__stack_size_bytes(stack) / 1024);
    }
}
