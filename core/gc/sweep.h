// SPDX-License-Identifier: MIT
//
// Sweeping: what marking has left white becomes free. A span is swept by whoever
// wants a free slot in it, or by the collector's goroutine in the background,
// once in a cycle. Nothing is linked: the mark bytes are the free list.
#ifndef LG_GC_SWEEP_H
#define LG_GC_SWEEP_H

#include "base/base.h"
#include "mem/mheap.h"
#include "mem/span.h"

struct gc;

enum swept {
    SWEPT_EMPTY,   // no object is left
    SWEPT_PARTIAL, // some slot is free
    SWEPT_FULL,
};

// Sweeps a span that nobody else has.
enum swept lg__span_sweep(struct gc *gc, struct span *s);

// Sweeps one span of any family. False: all are swept.
bool lg__sweep_some(struct gc *gc);

enum {
    MARK_EPOCHS = 3, // the bits of both epochs
    // The object starts in the upper half of the 16 bytes: a pointer is compared
    // with it, so that one into its neighbour's tail is not taken for it.
    MARK_UPPER = 4,
};

// What an object that starts at p has for a mark byte in an epoch.
LG_INLINE uint8_t lg__mark_byte(uint8_t epoch, const void *p)
{
    return (uint8_t)(epoch | ((uintptr_t)p & 8) >> 1);
}

#endif // LG_GC_SWEEP_H
