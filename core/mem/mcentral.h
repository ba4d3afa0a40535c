// SPDX-License-Identifier: MIT
//
// mcentral: the spans of one size class, and free blocks on their way between Ps.
//
// Blocks come and go in batches, lists of as many as a cache's list holds. Full
// batches that come back wait in the depot, so that a P that frees what another
// allocates costs a lock per batch and no look at any block. A batch that finds the
// depot full is taken apart: each block returns to its span, and a span of which
// nothing is used any more to the page heap. So does what waits in the depot, once
// nobody has needed it for a while (lg__mcentral_trim).
#ifndef LG_MEM_MCENTRAL_H
#define LG_MEM_MCENTRAL_H

#include "mem/block.h"
#include "mem/span.h"
#include "os/lock.h"

enum { DEPOT_CAP = LG_SIZED(128, 2) };

struct mcentral {
    struct lock lock;
    // -- fixed --
    uint32_t batch;     // blocks in a full list
    uint32_t depot_cap; // DEPOT_CAP or less
    // -- lock --
    uint32_t ndepot;
    uint32_t least_depot; // since the last trim: so many nobody has needed
    struct list spans;    // that have free blocks of their own
    struct block *depot[DEPOT_CAP];
    // -- written with the lock, read by anyone, relaxed: figures --
    _Atomic size_t nspans;
    _Atomic size_t nout;     // blocks that are not with their span
    _Atomic size_t nwaiting; // of them, in the depot
};

void lg__mcentral_init(struct mcentral *c, uint32_t class);

// Takes blocks, up to a full list; returns how many. 0: there is no memory.
uint32_t lg__mcentral_get(struct heap *h, uint32_t class, struct block **out);

// Takes a full list back.
void lg__mcentral_put_batch(struct heap *h, uint32_t class, struct block *blocks);

// Takes any list back, each block to its span.
void lg__mcentral_put(struct heap *h, uint32_t class, struct block *blocks);

// Returns batches to their spans that nobody has needed since the last call; or all.
void lg__mcentral_trim(struct heap *h, uint32_t class);
void lg__mcentral_empty(struct heap *h, uint32_t class);

#endif // LG_MEM_MCENTRAL_H
