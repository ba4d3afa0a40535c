// SPDX-License-Identifier: MIT
//
// A cycle for those who have reached the cap: who asks for memory takes all its turns.
#include "gc/scarce.h"

#include "gc/coordinator.h"
#include "gc/gc.h"
#include "os/clock.h"
#include "sched/world.h"

enum {
    TURN_NS = 1000 * 1000,
    IDLE_LOOKS = 10000, // at work that others have, before it is left to them
    LEAST_BYTES = LG_SIZED(64 * 1024, 1024), // allocated, for a cycle to be worth it
    PATIENCE = 2, // times what the last one took, until one is without that
};

static bool may_collect_here(struct gc *gc, struct m *m)
{
    return m && m->rt == gc->rt && m->g && m->p && m->nblocks == 0 && !m->is_stopper;
}

// Garbage is also made by letting go, which nobody sees.
static bool is_worth_it(struct gc *gc)
{
    // relaxed: estimates
    int64_t patience_ns = atomic_load_explicit(&gc->patience_ns, memory_order_relaxed);
    return lg__clock_now() >= patience_ns ||
           atomic_load_explicit(&gc->pace.heap_live, memory_order_relaxed) >
               atomic_load_explicit(&gc->pace.marked, memory_order_relaxed) + LEAST_BYTES;
}

// Takes the turns of cycles until this stage, as far as others do not.
static bool drive_to(struct gc *gc, uint64_t stage)
{
    int nidle = 0;
    while (!lg__stage_is_reached(gc, stage) && nidle < IDLE_LOOKS) {
        enum cycle_turn how = lg__cycle_turn(gc, TURN_NS);
        if (how == TURN_OVER) {
            break; // somebody has taken the request back
        }
        bool is_idle = how == TURN_IDLE || how == TURN_TAKEN;
        nidle = is_idle ? nidle + 1 : 0;
        if (is_idle) {
            lg__world_pause();
        }
    }
    lg__gc_rouse(gc); // it may have been asked meanwhile, or has the rest
    return lg__stage_is_reached(gc, stage);
}

bool lg__gc_alone(struct gc *gc, uint64_t stage)
{
    if (!may_collect_here(gc, lg__m())) {
        return false;
    }
    lg__lock(&gc->lock, RANK_GC);
    gc->is_requested |= gc->stages.reached < stage;
    lg__unlock(&gc->lock, RANK_GC);
    return drive_to(gc, stage);
}

bool lg__gc_scarce(struct gc *gc)
{
    if (!gc || !lg__heap_is_capped(gc->heap) || !may_collect_here(gc, lg__m()) ||
        !is_worth_it(gc)) {
        return false;
    }
    lg__lock(&gc->lock, RANK_GC);
    gc->is_requested = true;
    // relaxed: the next cycle that has not begun
    uint64_t cycle = atomic_load_explicit(&gc->cycle, memory_order_relaxed) + 1;
    lg__unlock(&gc->lock, RANK_GC);
    int64_t since_ns = lg__clock_now();
    drive_to(gc, lg__gc_stage(cycle, GC_SWEPT));
    int64_t end_ns = lg__clock_now();
    // relaxed: an estimate
    atomic_store_explicit(&gc->patience_ns, end_ns + PATIENCE * (end_ns - since_ns),
                          memory_order_relaxed);
    return true;
}
