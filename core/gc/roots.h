// SPDX-License-Identifier: MIT
//
// Roots: ranges of words outside of the heap that hold references.
//
// The words are written with lg_store() by goroutines; ranges come and go from
// any thread. As with handles, who changes the collector's phase holds the lock,
// and what is added or taken back while it marks is shaded. Once a range has been
// taken back nobody reads it any more: its memory may be gone.
#ifndef LG_GC_ROOTS_H
#define LG_GC_ROOTS_H

#include "base/base.h"
#include "base/list.h"
#include "lagoon.h"
#include "mem/alloc.h"
#include "os/lock.h"

struct gc;

struct root_range {
    struct node node;
    const char *name;
    void **words;
    size_t n;
};

struct gc_roots {
    struct gc *gc;
    const struct alloc *alloc;
    struct lock lock;
    // -- lock --
    struct list ranges; // struct root_range
    // -- written with the lock, read by anyone, relaxed: a figure --
    _Atomic size_t bytes; // of all ranges
};

void lg__roots_init(struct gc_roots *roots, struct gc *gc, const struct alloc *alloc);
void lg__roots_fini(struct gc_roots *roots);

// Calls visit for each range, with the lock held: it may take locks of higher
// rank. Others may store into the words meanwhile.
void lg__roots_visit(struct gc_roots *roots,
                     void (*visit)(void *ud, const char *name, void **words, size_t n),
                     void *ud);

size_t lg__roots_bytes(struct gc_roots *roots);

#endif // LG_GC_ROOTS_H
