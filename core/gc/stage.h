// SPDX-License-Identifier: MIT
//
// Stages of cycles, and those who wait for one: lg_gc() for the end, who has allocated
// too much for the beginning, or for the end of marking.
#ifndef LG_GC_STAGE_H
#define LG_GC_STAGE_H

#include "base/base.h"
#include "lagoon.h"

struct gc;
struct gc_waiter;

// How far a cycle has come.
enum gc_event { GC_BEGUN = 1, GC_MARKED, GC_SWEPT };

// Guarded by the collector's lock.
struct gc_stages {
    struct gc_waiter *waiters;
    uint64_t reached; // lg__gc_stage() of the last event
    uint64_t swept;   // cycles that are over, swept
};

// Events of all cycles in one order.
LG_INLINE uint64_t lg__gc_stage(uint64_t cycle, enum gc_event event)
{
    return cycle * 4 + (uint64_t)event;
}

// Somebody who waits, on his own stack.
struct gc_waiter {
    struct gc_waiter *next;
    lg_ticket ticket;
    uint64_t stage;
};

// Arms a wait of the calling goroutine, which only the stage ends, not a cancellation.
struct gc_waiter lg__stage_arm(struct lg_g *g);

// Enters an armed waiter, with the collector's lock held.
void lg__stage_enter_locked(struct gc *gc, struct gc_waiter *w, uint64_t stage);

// A cycle has come so far: readies who waits for that.
void lg__stage_reach(struct gc *gc, uint64_t cycle, enum gc_event event);

// Readies all, since there will be no cycle.
void lg__stage_give_up(struct gc *gc);

#endif // LG_GC_STAGE_H
