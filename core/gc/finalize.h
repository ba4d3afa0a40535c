// SPDX-License-Identifier: MIT
//
// The goroutine that runs finalizers, and its queue: dead objects whose finalizer
// has not run yet, in the order in which sweeping found them. Each is a root.
//
// It is one of the runtime's own (lg__go_system): started with the first
// finalizer, it waits for ever when there is nothing to do, which neither hides a
// deadlock nor keeps anything open.
#ifndef LG_GC_FINALIZE_H
#define LG_GC_FINALIZE_H

#include "base/base.h"
#include "lagoon.h"
#include "os/lock.h"

struct gc;
struct lg_runtime;
struct special;

struct finalize {
    struct lock lock;
    // -- lock --
    struct special *first;
    struct special *last;
    bool is_started;
    bool is_waiting; // it has armed `ticket`, and wants it readied
    lg_ticket ticket;
    // -- written with the lock, read by anyone, relaxed: a figure --
    _Atomic size_t count;
};

struct gc_specials;

// Starts the goroutine if there is none. LG_OK or LG_ENOMEM.
int lg__finalize_start(struct gc_specials *specials);

// Queues a dead object, alive again from here on. Wakes the goroutine.
void lg__finalize_push(struct gc_specials *specials, struct special *special);

#endif // LG_GC_FINALIZE_H
