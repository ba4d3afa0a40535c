// SPDX-License-Identifier: MIT
//
// Handles: strong references from outside of the heap, by any thread.
//
// Threads of a host are not stopped with the world, so the lock is what orders
// them and the collector: *who changes the phase holds it meanwhile*. A change of
// a handle then lies wholly before the phase, and the marker sees what it left;
// or in marking, and the old value and the new one are shaded; or after, when
// what a handle can be given is marked already.
//
// Called with the lock held, from any thread, and so bound to take only locks
// of higher rank and neither to wait, nor to stop the world, nor to start a
// cycle: lg__gc_shade_outside(), lg__gc_new_outside() (gc/newobject.c).
#ifndef LG_GC_HANDLE_H
#define LG_GC_HANDLE_H

#include "base/base.h"
#include "gc/records.h"
#include "lagoon.h"
#include "mem/alloc.h"
#include "os/lock.h"

struct gc;
struct gc_handles;

struct lg_handle {
    struct free_record *next_free; // the records'
    struct gc_handles *owner;      // NULL: the handle is free
    _Atomic(void *) obj;           // written with the lock, read by anyone
};

struct gc_handles {
    struct gc *gc;
    struct lock lock;
    // -- lock --
    struct records records; // struct lg_handle
    // -- written with the lock, read by anyone, relaxed: a figure --
    _Atomic size_t count;
};

void lg__handles_init(struct gc_handles *handles, struct gc *gc,
                      const struct alloc *alloc);
void lg__handles_fini(struct gc_handles *handles);

// Calls visit for what each handle holds, NULL left out; in batches, without
// the lock. All that hold something now and keep it until this returns are seen.
// While it marks that is enough, as what changes is shaded.
void lg__handles_visit(struct gc_handles *handles, void (*visit)(void *ud, void *obj),
                       void *ud);

size_t lg__handles_count(struct gc_handles *handles);

#endif // LG_GC_HANDLE_H
