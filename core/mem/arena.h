// SPDX-License-Identifier: MIT
//
// Where arenas come from: from the system, and from address space that stands by
// since a large object went. The lock is the heap's.
#ifndef LG_MEM_ARENA_H
#define LG_MEM_ARENA_H

#include "mem/mheap.h"

// So many arenas in a row: zero, but for the header's fixed fields, not in the table
// yet. NULL: no address space.
struct arena *lg__arena_get_locked(struct heap *h, size_t narenas) LG_REQUIRES(h->lock);

// Gives the memory back, and keeps the address space for the next that want it.
void lg__arena_put_locked(struct heap *h, struct arena *arena) LG_REQUIRES(h->lock);

// Lets lg__heap_find() lead to it.
void lg__arena_show_locked(struct heap *h, struct arena *arena, uintptr_t tag)
    LG_REQUIRES(h->lock);

// Counts what is about to be written in an arena's header.
void lg__arena_touch_locked(struct heap *h, struct arena *arena, const void *ptr,
                            size_t size_bytes) LG_REQUIRES(h->lock);

// Unmaps all arenas.
void lg__arenas_free(struct heap *h);

#endif // LG_MEM_ARENA_H
