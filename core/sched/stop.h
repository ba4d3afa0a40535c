// SPDX-License-Identifier: MIT
//
// What a runtime keeps of stops of its world, and of what is done in them.
#ifndef LG_SCHED_STOP_H
#define LG_SCHED_STOP_H

#include "base/base.h"
#include "base/list.h"
#include "os/lock.h"

struct g_chunk;

// Who stops the world (sched/world.c).
struct world {
    struct lock lock;
    // -- lock --
    struct list inside; // Ms
    uint32_t ninside;
    struct list blocked; // Ms in a blocking call that were taken out
    // -- changed under the lock, read by anyone --
    _Atomic uint32_t turn; // grows; odd while the world is stopped or about to be
    // -- any thread --
    _Atomic uint32_t running; // Ms that the stopper waits for, and for which turn
    _Atomic bool is_stopper_asleep;
    // The suspended have been let go for a while: a signal of somebody else's, sysmon's
    // say, suspends nobody. relaxed
    _Atomic bool is_lenient;
    // -- the stopper --
    char complaint[192]; // about who kept it waiting, for on_log; "": none
};

// Visits words that may be references; [lo, hi) are whole, aligned words. Must
// not wait, stop, or look at the world.
typedef void scan_range(void *ud, const void *lo, const void *hi);

// The scan of all stacks (sched/scan.c).
struct scan {
    // -- changed while the world is stopped --
    scan_range *visit;
    void *ud;
    _Atomic uint32_t cycle; // even; 0 before the first
    // -- any M --
    _Atomic(struct g_chunk *) cursor; // of the pool: it and the next are not taken yet
    _Atomic uint32_t nactive;         // Ms that scan at this moment
    _Atomic size_t nbytes;            // of stacks, in this cycle
};

#endif // LG_SCHED_STOP_H
