// SPDX-License-Identifier: MIT
//
// What a runtime keeps of the host's thread and of what is pinned to it (sched/host.h).
#ifndef LG_SCHED_PINNED_H
#define LG_SCHED_PINNED_H

#include "base/base.h"
#include "sched/runq.h"

struct p;

// What the host's thread does.
enum host_where {
    HOST_OUT,    // nothing of ours
    HOST_TOLD,   // the same, and on_wake was called since the last update
    HOST_IN,     // drives
    HOST_ASLEEP, // in lg_drive(), or on its way
};

struct host {
    // -- set once, with the runtime's lock --
    _Atomic bool is_on;
    struct p *p; // its own
    // -- the runtime's lock; read by anyone, relaxed: a guess --
    _Atomic bool is_apart; // runs only what is pinned
    // -- the driver; while there is none, who holds the runtime's lock --
    struct runnable_list ready; // oldest first
    _Atomic size_t nready;      // its length, read by anyone, relaxed
    uint32_t tick;
    // -- any thread, seq_cst --
    _Atomic(struct runnable *) inbox; // newest first
    _Atomic uint32_t where;           // enum host_where
};

#endif // LG_SCHED_PINNED_H
