// SPDX-License-Identifier: MIT
//
// mcentral: the spans of one size class, and free blocks on their way between Ps.
//
// A block that comes back returns to its span, which knows its free blocks by a bit each;
// a P gets those of one span in the order of their addresses, then of another, however
// they were mixed when they were freed. So what is handed out together is close together.
// A span of which nothing is used any more stays with its class until the heap would have
// to grow (lg__heap_reclaim) or nobody has needed it for a while (lg__mcentral_trim): to
// give one back and cut another costs as much as a dozen blocks.
#ifndef LG_MEM_MCENTRAL_H
#define LG_MEM_MCENTRAL_H

#include "mem/span.h"
#include "os/lock.h"

struct mcentral {
    struct lock lock;
    // -- lock --
    size_t least_unused; // since the last trim: so many nobody has needed
    struct list spans;   // some of whose blocks are free
    struct list unused;  // all of whose are
    // -- written with the lock, read by anyone, relaxed: figures --
    _Atomic size_t nspans;
    _Atomic size_t nout;    // blocks that are not with their span
    _Atomic size_t nunused; // spans on `unused`
};

// Pages of a span. For small blocks more than the least: what follows each other in time
// then follows each other in memory for longer.
size_t lg__mcentral_npages(uint32_t class);

// Takes up to n blocks, to be used from the last to the first; returns how many. 0: there
// is no memory.
uint32_t lg__mcentral_get(struct heap *h, uint32_t class, void **out, uint32_t n);

// Takes n blocks back.
void lg__mcentral_put(struct heap *h, uint32_t class, void **blocks, uint32_t n);

// Gives unused spans back to the page heap: those that nobody has needed since the last
// call, or all. The former returns whether more may follow.
bool lg__mcentral_trim(struct heap *h, uint32_t class);
void lg__mcentral_empty(struct heap *h, uint32_t class);

// Makes the page heap's what no class uses, if it has no idle pages for so many and would
// have to grow. Takes the locks of all classes in turn.
void lg__heap_reclaim(struct heap *h, size_t npages);

#endif // LG_MEM_MCENTRAL_H
