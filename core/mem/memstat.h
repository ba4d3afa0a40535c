// SPDX-License-Identifier: MIT
//
// Figures of a heap and of the caches that Ps have of it, added up while it goes on: each
// is true at some moment of the call.
#ifndef LG_MEM_MEMSTAT_H
#define LG_MEM_MEMSTAT_H

#include "mem/mheap.h"

// Blocks of one class.
struct class_figures {
    size_t nspans;
    size_t nout;    // not with their span: in use, or in a cache
    size_t ncached; // of them, in caches
};

struct memstat {
    struct heap *heap;
    struct class_figures classes[NCLASSES];
    int64_t asked[LG_NUSES]; // as lg_alloc() was asked for
    int64_t slack[LG_NUSES]; // and what the blocks have beyond that
};

// Begins with what is not in a P's cache.
void lg__memstat_begin(struct memstat *ms, struct heap *h);

// Adds a P's cache.
void lg__memstat_add(struct memstat *ms, struct mcache *mc);

// Explicit blocks of a class that are in use.
size_t lg__memstat_blocks(const struct memstat *ms, uint32_t class);

// Fills the fields of lg_stats that tell of the heap.
void lg__memstat_tell(const struct memstat *ms, lg_stats *out);

#endif // LG_MEM_MEMSTAT_H
