// SPDX-License-Identifier: MIT
//
// Memory for tables beside the heap: zeroed, of a size that whoever frees it
// knows. Small pieces come from chunks that are kept until the end and go back to
// a list of their size; larger ones are mapped, each by itself. Has a lock of its
// own, the last of all.
#ifndef LG_MEM_FIXED_H
#define LG_MEM_FIXED_H

#include "os/lock.h"

enum {
    FIXED_STEP = 16,
    FIXED_SMALL_MAX = 1024,
    FIXED_LISTS = FIXED_SMALL_MAX / FIXED_STEP + 1,
};

struct fixed {
    struct lock lock;
    // -- lock --
    void *free[FIXED_LISTS]; // by size in steps, through their first words
    char *next;              // the rest of the newest chunk
    size_t left_bytes;
    struct fixed_chunk *chunks;
    // -- written with the lock, read by anyone: a figure --
    _Atomic size_t bytes; // backed by memory
};

void lg__fixed_init(struct fixed *f);
void lg__fixed_fini(struct fixed *f);

// Zeroed memory, aligned to 16 bytes; NULL: there is none.
void *lg__fixed_get(struct fixed *f, size_t size_bytes);

// Takes it back; NULL does nothing.
void lg__fixed_put(struct fixed *f, void *ptr, size_t size_bytes);

LG_INLINE size_t lg__fixed_bytes(struct fixed *f)
{
    // relaxed: a figure
    return atomic_load_explicit(&f->bytes, memory_order_relaxed);
}

#endif // LG_MEM_FIXED_H
