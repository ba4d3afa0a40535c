// SPDX-License-Identifier: MIT
#include "mem/mcache.h"

#include "mem/mcentral.h"
#include "mem/mheap.h"

static uint32_t get(_Atomic uint32_t *figure)
{
    // relaxed: our own value
    return atomic_load_explicit(figure, memory_order_relaxed);
}

static void set(_Atomic uint32_t *figure, uint32_t value)
{
    // relaxed: a figure that we alone write
    atomic_store_explicit(figure, value, memory_order_relaxed);
}

static uint32_t cap_of(uint32_t class)
{
    size_t cap = BATCH_BYTES / lg__class_bytes(class);
    return cap < BATCH_MIN ? BATCH_MIN : cap > BATCH_MAX ? BATCH_MAX : (uint32_t)cap;
}

void lg__mcache_init(struct mcache *mc, struct heap *h)
{
    mc->heap = h;
    void **place = mc->places;
    for (uint32_t class = 1; class < NCLASSES; class ++) {
        struct block_cache *cache = &mc->classes[class];
        cache->cap = cap_of(class);
        cache->out = place;
        cache->in = place + cache->cap;
        place += (size_t)2 * cache->cap;
    }
    LG_ASSERT(place <= mc->places + MCACHE_PLACES);
}

// What has come back is to be handed out next, the latest first.
static void change_places(struct block_cache *cache)
{
    void **out = cache->out;
    cache->out = cache->in;
    cache->in = out;
    uint32_t n = get(&cache->nin);
    set(&cache->nin, 0);
    set(&cache->nout, n);
}

static void put_back(struct mcache *mc, uint32_t class, void **blocks,
                     _Atomic uint32_t *nblocks)
{
    uint32_t n = get(nblocks);
    if (n > 0) {
        set(nblocks, 0);
        lg__mcentral_put(mc->heap, class, blocks, n);
    }
}

LG_NOINLINE void *lg__mcache_refill(struct mcache *mc, uint32_t class)
{
    struct block_cache *cache = &mc->classes[class];
    if (get(&cache->nin) > cache->cap / 2) {
        change_places(cache);
    } else {
        put_back(mc, class, cache->in, &cache->nin);
        set(&cache->nout, lg__mcentral_get(mc->heap, class, cache->out, cache->cap));
    }
    uint32_t n = get(&cache->nout);
    if (n == 0) {
        return NULL;
    }
    set(&cache->nout, n - 1);
    return cache->out[n - 1];
}

// What has come back fills its array.
LG_NOINLINE void lg__mcache_spill(struct mcache *mc, uint32_t class)
{
    struct block_cache *cache = &mc->classes[class];
    if (get(&cache->nout) == 0) {
        change_places(cache);
    } else {
        put_back(mc, class, cache->in, &cache->nin);
    }
}

void lg__mcache_flush(struct mcache *mc)
{
    for (uint32_t class = 1; class < NCLASSES; class ++) {
        struct block_cache *cache = &mc->classes[class];
        put_back(mc, class, cache->out, &cache->nout);
        put_back(mc, class, cache->in, &cache->nin);
    }
}
