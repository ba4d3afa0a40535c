// SPDX-License-Identifier: MIT
//
// The collector in the hands of a host that has time between two frames: turns of a cycle
// (gc/cycle.h) on the caller's own stack, until a budget is spent. No goroutine runs
// meanwhile but those that other Ps have.
#include <string.h>

#include "gc/coordinator.h"
#include "gc/gc.h"
#include "os/clock.h"
#include "sched/errand.h"
#include "sched/world.h"

enum {
    PIECE_NS = 100 * 1000, // between two looks at the clock
    // Looks at work that others have, before it is left to them.
    IDLE_LOOKS = 100,
};

struct step {
    struct gc *gc;
    int64_t budget_ns;
    int64_t since_ns;
    lg_gc_report report;
};

static uint64_t cycles_ended(struct gc *gc)
{
    lg__lock(&gc->lock, RANK_GC);
    uint64_t cycles = gc->stages.swept;
    lg__unlock(&gc->lock, RANK_GC);
    return cycles;
}

// Where cycles begin by themselves the coordinator goes on with it when the budget is
// spent, in the time of goroutines; else nobody does until the next step.
static void begin_if_worthwhile(struct gc *gc)
{
    if (!lg__pace_is_worthwhile(gc)) {
        return;
    }
    if (lg__pace_is_automatic(gc)) {
        lg__gc_request(gc);
        return;
    }
    lg__lock(&gc->lock, RANK_GC);
    if (!gc->is_cycling && !gc->is_requested && gc->nforced == 0) {
        gc->is_requested = true;
        // relaxed: a hint
        atomic_store_explicit(&gc->is_manual, true, memory_order_relaxed);
    }
    lg__unlock(&gc->lock, RANK_GC);
}

// One turn. False: there is nothing to do.
static bool take_turn(struct step *step, int64_t at_ns, int *nidle)
{
    int64_t left_ns = step->budget_ns - (at_ns - step->since_ns);
    enum cycle_turn how =
        lg__cycle_turn(step->gc, left_ns < PIECE_NS ? left_ns : PIECE_NS);
    step->report.is_cycling = how != TURN_OVER;
    if (how == TURN_OVER) {
        return false;
    }
    bool is_idle = how == TURN_IDLE || how == TURN_TAKEN;
    *nidle = is_idle ? *nidle + 1 : 0;
    if (is_idle) {
        lg__world_pause();
    }
    return *nidle < IDLE_LOOKS;
}

static void take_turns(struct step *step)
{
    int nidle = 0;
    int64_t at_ns = step->since_ns;
    bool goes_on = true;
    while (goes_on && at_ns - step->since_ns < step->budget_ns) {
        goes_on = take_turn(step, at_ns, &nidle);
        int64_t now_ns = lg__clock_now();
        if (now_ns - at_ns > step->report.longest_ns) {
            step->report.longest_ns = now_ns - at_ns;
        }
        at_ns = now_ns;
    }
    step->report.spent_ns = at_ns - step->since_ns;
}

static uint64_t marked_by(struct gc_p *gp)
{
    // relaxed: our own, and a figure
    return gp ? atomic_load_explicit(&gp->marked_bytes, memory_order_relaxed) : 0;
}

// On a P.
static void run(void *arg)
{
    struct step *step = arg;
    struct gc *gc = step->gc;
    struct gc_p *gp = lg__gc_p(lg__m());
    begin_if_worthwhile(gc);
    // relaxed: figures
    uint64_t freed = atomic_load_explicit(&gc->pace.freed_bytes, memory_order_relaxed);
    uint64_t marked = marked_by(gp);
    uint64_t ended = cycles_ended(gc);
    lg__lock(&gc->lock, RANK_GC);
    step->report.is_cycling = gc->is_cycling || gc->is_requested || gc->nforced > 0;
    lg__unlock(&gc->lock, RANK_GC);
    take_turns(step);
    step->report.cycles = cycles_ended(gc) - ended;
    step->report.marked_bytes = (size_t)(marked_by(gp) - marked);
    step->report.swept_bytes =
        (size_t)(atomic_load_explicit(&gc->pace.freed_bytes, memory_order_relaxed) -
                 freed);
}

// A timer's function must not wait while the world stops; a blocking call has no P.
static bool may_run_here(struct lg_runtime *rt, struct m *m)
{
    return m->rt == rt && m->g && m->p && m->nblocks == 0;
}

int lg_gc_step(lg_runtime *rt, int64_t budget_ns, lg_gc_report *out)
{
    if (budget_ns < 0) {
        return LG_EINVAL;
    }
    struct step step = {
        .gc = lg__gc(rt), .budget_ns = budget_ns, .since_ns = lg__clock_now()};
    int err = LG_OK;
    if (!lg__m()) {
        err = lg__errand_run(rt, run, &step);
    } else if (may_run_here(rt, lg__m())) {
        run(&step);
    } else {
        err = LG_EBUSY;
    }
    if (err) {
        return err;
    }
    if (out) {
        size_t size_bytes = out->size_bytes;
        step.report.size_bytes = size_bytes;
        memcpy(out, &step.report,
               size_bytes < sizeof step.report ? size_bytes : sizeof step.report);
    }
    return step.report.is_cycling ? LG_EAGAIN : LG_OK;
}
