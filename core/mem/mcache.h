// SPDX-License-Identifier: MIT
//
// mcache: the free blocks that a P has at hand, a list per size class, without lock
// or atomic read-modify-write. A list that is full is laid aside whole, and with one
// laid aside already that one goes to the mcentral: between two looks at the mcentral
// there are always as many calls as a list has blocks.
//
// A block belongs to no P: whoever frees it has it. Threads without a P share the
// heap's own cache, under a lock.
#ifndef LG_MEM_MCACHE_H
#define LG_MEM_MCACHE_H

#include "lagoon.h"
#include "mem/block.h"
#include "mem/sizeclass.h"
#include "os/tls.h"

struct heap;

struct block_list {
    // -- owner only --
    struct block *first; // last in, first out
    struct block *spare; // a full list laid aside, or NULL
    // -- written by the owner, read by anyone, relaxed: figures --
    // What still fits into `first` is taken - put; both wrap. One number would be written
    // by both halves of an allocation and a free, each waiting for the other's store.
    _Atomic uint32_t taken;
    _Atomic uint32_t put;
    _Atomic uint32_t nspare; // in `spare`
};

struct mcache {
    // -- fixed --
    struct heap *heap;
    // -- owner only --
    struct block_list lists[NCLASSES];
    // -- written by the owner, read by anyone, relaxed: figures --
    _Atomic int64_t asked[LG_NUSES]; // bytes allocated less freed here; as asked for
    _Atomic int64_t slack[LG_NUSES]; // and what their blocks have beyond that
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

struct block *lg__mcache_refill(struct mcache *mc, uint32_t class);
void lg__mcache_lay_aside(struct mcache *mc, uint32_t class);

// Blocks that still fit into the list.
LG_INLINE uint32_t lg__block_list_room(struct block_list *list)
{
    // relaxed: a figure, or our own
    return atomic_load_explicit(&list->taken, memory_order_relaxed) -
           atomic_load_explicit(&list->put, memory_order_relaxed);
}

LG_INLINE void *lg__mcache_get(struct mcache *mc, uint32_t class)
{
    struct block_list *list = &mc->lists[class];
    struct block *block = list->first;
    if (LG_UNLIKELY(!block)) {
        return lg__mcache_refill(mc, class);
    }
    list->first = lg__block_next(block);
    // relaxed: our own value
    uint32_t taken = atomic_load_explicit(&list->taken, memory_order_relaxed);
    atomic_store_explicit(&list->taken, taken + 1, memory_order_relaxed);
    return block;
}

LG_INLINE void lg__mcache_put(struct mcache *mc, uint32_t class, void *ptr)
{
    struct block_list *list = &mc->lists[class];
    struct block *block = ptr;
    lg__block_link(block, list->first);
    list->first = block;
    // relaxed: our own values
    uint32_t put = atomic_load_explicit(&list->put, memory_order_relaxed) + 1;
    atomic_store_explicit(&list->put, put, memory_order_relaxed);
    if (LG_UNLIKELY(put == atomic_load_explicit(&list->taken, memory_order_relaxed))) {
        lg__mcache_lay_aside(mc, class);
    }
}

#endif // LG_MEM_MCACHE_H
