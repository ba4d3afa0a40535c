// SPDX-License-Identifier: MIT
//
// The scavenger: memory that nobody has needed for a while goes back to the system. Free
// pages that are backed, and unused spans of classes, are looked at now and then; as many
// as were idle all the time since the last look are surplus. Of the surplus beyond a
// reserve, half goes at each look, so that a load that comes and goes finds some.
#ifndef LG_MEM_SCAVENGE_H
#define LG_MEM_SCAVENGE_H

#include "mem/mheap.h"

// To be called now and then. Returns whether more may follow.
bool lg__heap_trim(struct heap *h);

// Gives back the memory of idle pages until npages or more are gone; returns how many.
// Holds the lock for moments only.
size_t lg__heap_release(struct heap *h, size_t npages);

// Empties the cache of threads without a P, and gives up unused spans: they become idle.
void lg__heap_empty_caches(struct heap *h);

#endif // LG_MEM_SCAVENGE_H
