// SPDX-License-Identifier: MIT
//
// The pages of an arena: which span each belongs to, which are idle (free and backed by
// memory), and free runs, which join with free neighbours. Of a free run only the first and
// the last page lead to its record, so that nobody finds it from within. The lock is the
// heap's.
#ifndef LG_MEM_PAGES_H
#define LG_MEM_PAGES_H

#include "mem/arena.h"

// The record of a page, about to be written.
struct span *lg__pages_record_locked(struct heap *h, struct arena *arena, uint32_t page)
    LG_REQUIRES(h->lock);

// Lets pages lead to a span; first: the number of its first page, or SPAN_NONE.
void lg__pages_lead_to_locked(struct heap *h, struct arena *arena, uint32_t page,
                              size_t npages, uint32_t first) LG_REQUIRES(h->lock);

// Marks pages idle, or not idle any more; the latter returns how many were.
void lg__pages_set_idle(struct arena *arena, uint32_t page, size_t npages);
size_t lg__pages_clear_idle(struct arena *arena, uint32_t page, size_t npages);

// Makes pages that belong to nothing a free run; alone, or with its neighbours.
void lg__pages_add_run_locked(struct heap *h, struct arena *arena, uint32_t page,
                              size_t npages) LG_REQUIRES(h->lock);
void lg__pages_join_run_locked(struct heap *h, struct arena *arena, uint32_t page,
                               size_t npages) LG_REQUIRES(h->lock);

// Takes a free run out: its pages belong to nothing.
void lg__pages_remove_run_locked(struct heap *h, struct arena *arena, struct span *s)
    LG_REQUIRES(h->lock);

#endif // LG_MEM_PAGES_H
