// SPDX-License-Identifier: MIT
//
// mcache: the free blocks that a P has at hand, two arrays of pointers per size class,
// without lock or atomic read-modify-write. Blocks are handed out from the one and come
// back to the other. The two change places when the one is empty and the other half full;
// else the one is filled from the mcentral, and the other, when it is full, goes there: so
// between two looks at the mcentral there are always half as many calls as an array has
// places. No free block is ever touched.
//
// A block belongs to no P: whoever frees it has it. Threads without a P share the
// heap's own cache, under a lock.
#ifndef LG_MEM_MCACHE_H
#define LG_MEM_MCACHE_H

#include "lagoon.h"
#include "mem/sizeclass.h"
#include "os/tls.h"

struct heap;

enum {
    BATCH_BYTES = 8 * 1024,
    BATCH_MIN = 2,
    BATCH_MAX = LG_SIZED(256, 3),
    MCACHE_PLACES = 5120, // of all classes
    PREFETCH_AHEAD = 4,   // blocks: the caller writes to what it gets
};

struct block_cache {
    // -- owner only --
    void **out; // the next to be handed out is the last
    void **in;  // that have come back
    // -- fixed --
    uint32_t cap; // of each of the two
    // -- written by the owner, read by anyone, relaxed: figures --
    _Atomic uint32_t nout;
    _Atomic uint32_t nin;
};

struct mcache {
    // -- fixed --
    struct heap *heap;
    // -- owner only --
    struct block_cache classes[NCLASSES];
    // -- written by the owner, read by anyone, relaxed: figures --
    _Atomic int64_t asked[LG_NUSES]; // bytes allocated less freed here; as asked for
    _Atomic int64_t slack[LG_NUSES]; // and what their blocks have beyond that
    // -- owner only --
    void *places[MCACHE_PLACES];
};

void lg__mcache_init(struct mcache *mc, struct heap *h);

// Gives all its blocks back.
void lg__mcache_flush(struct mcache *mc);

// The calling thread's cache, if it has one of this heap. The thread's pointer is its
// M, whose first member is the cache of its P.
LG_INLINE struct mcache *lg__mcache_own(struct heap *h)
{
    struct mcache **m = lg__tls_get();
    struct mcache *mc = LG_LIKELY(m != NULL) ? *m : NULL;
    return LG_LIKELY(mc != NULL) && LG_LIKELY(mc->heap == h) ? mc : NULL;
}

void *lg__mcache_refill(struct mcache *mc, uint32_t class);
void lg__mcache_spill(struct mcache *mc, uint32_t class);

// NULL: there is none at hand.
LG_INLINE void *lg__mcache_try_get(struct mcache *mc, uint32_t class)
{
    struct block_cache *cache = &mc->classes[class];
    // relaxed: our own value
    uint32_t n = atomic_load_explicit(&cache->nout, memory_order_relaxed);
    if (LG_UNLIKELY(n == 0)) {
        return NULL;
    }
    n--;
    atomic_store_explicit(&cache->nout, n, memory_order_relaxed);
    __builtin_prefetch(cache->out[n > PREFETCH_AHEAD ? n - PREFETCH_AHEAD : 0], 1);
    return cache->out[n];
}

LG_INLINE void *lg__mcache_get(struct mcache *mc, uint32_t class)
{
    void *ptr = lg__mcache_try_get(mc, class);
    return LG_LIKELY(ptr != NULL) ? ptr : lg__mcache_refill(mc, class);
}

// Whether there is room for more; if not, lg__mcache_spill() is due at once.
LG_INLINE bool lg__mcache_push(struct mcache *mc, uint32_t class, void *ptr)
{
    struct block_cache *cache = &mc->classes[class];
    // relaxed: our own value
    uint32_t n = atomic_load_explicit(&cache->nin, memory_order_relaxed);
    cache->in[n] = ptr;
    n++;
    atomic_store_explicit(&cache->nin, n, memory_order_relaxed);
    return LG_LIKELY(n != cache->cap);
}

LG_INLINE void lg__mcache_put(struct mcache *mc, uint32_t class, void *ptr)
{
    if (LG_UNLIKELY(!lg__mcache_push(mc, class, ptr))) {
        lg__mcache_spill(mc, class);
    }
}

#endif // LG_MEM_MCACHE_H
