// SPDX-License-Identifier: MIT
//
// Stages of cycles, and those who wait for one: lg_gc() for the end, who has allocated
// too much for the beginning, or for the end of marking.
#ifndef LG_GC_STAGE_H
#define LG_GC_STAGE_H

#include "base/base.h"
#include "base/list.h"
#include "lagoon.h"

struct gc;
struct lg_g;

// How far a cycle has come.
enum gc_event { GC_BEGUN = 1, GC_MARKED, GC_SWEPT };

// Guarded by the collector's lock.
struct gc_stages {
    struct list waiters; // by op.waiter of their goroutines, whose amount is the stage
    uint64_t reached;    // lg__gc_stage() of the last event
    uint64_t swept;      // cycles that are over, swept
};

// Events of all cycles in one order.
LG_INLINE uint64_t lg__gc_stage(uint64_t cycle, enum gc_event event)
{
    return cycle * 4 + (uint64_t)event;
}

#define LG_GC_STAGE_LAST ((uint64_t)INT64_MAX)

// Begins a wait of the calling goroutine, which only the stage ends, not a cancellation.
void lg__stage_arm(struct lg_g *g);

// Enters it, with the collector's lock held.
void lg__stage_enter_locked(struct gc *gc, struct lg_g *g, uint64_t stage);

// Waits, as lg__wait_for(). LG_ENOMEM: the goroutine cannot keep its stack.
int lg__stage_wait(struct lg_g *g, const char *reason);

// A cycle has come so far: readies who waits for that.
void lg__stage_reach(struct gc *gc, uint64_t cycle, enum gc_event event);

// Whether one has: who was readied may have been given up.
bool lg__stage_is_reached(struct gc *gc, uint64_t stage);

// Readies all, since there will be no cycle.
void lg__stage_give_up(struct gc *gc);

#endif // LG_GC_STAGE_H
