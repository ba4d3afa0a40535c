// SPDX-License-Identifier: MIT
#include "gc/coordinator.h"

#include "base/wipe.h"
#include "gc/cycle.h"
#include "gc/gc.h"
#include "gc/scarce.h"
#include "os/clock.h"
#include "sched/idle.h"
#include "sched/park.h"
#include "sched/sched.h"

enum {
    SLICE_NS = 200 * 1000, // of its turns, where others wait
    // Of one P, where a quarter of all is less than one.
    SHARE_PERCENT = 25,
};

static const int64_t PERIOD_NS = 120 * (int64_t)1000000000; // Go's

// Waits until there is something to do.
static void wait_for_request(struct gc *gc)
{
    for (;;) {
        lg_ticket ticket = lg_park_arm();
        lg__lock(&gc->lock, RANK_GC);
        bool is_wanted = gc->is_requested || gc->nforced > 0 || gc->is_cycling;
        gc->coordinator = ticket;
        gc->is_coordinator_waiting = !is_wanted;
        lg__unlock(&gc->lock, RANK_GC);
        if (is_wanted) {
            lg_park("GC", 0); // takes the ticket back
            return;
        }
        lg_park("GC", LG_NEVER);
    }
}

static bool is_anyone_waiting(struct lg_runtime *rt)
{
    // relaxed: a hint
    return atomic_load_explicit(&lg__m()->p->runnext, memory_order_relaxed) ||
           lg__has_work(rt);
}

void lg__gc_rest_end(struct lg_runtime *rt)
{
    struct gc *gc = lg__gc(rt);
    lg__lock(&gc->lock, RANK_GC);
    lg_ticket ticket = gc->rest;
    lg__unlock(&gc->lock, RANK_GC);
    if (ticket.g) {
        lg_ready(ticket);
    }
}

// Until a moment, or until the clock is changed: either we see that here, or who changes
// it sees our ticket.
static void rest(struct gc *gc, int64_t until_ns)
{
    lg_ticket ticket = lg_park_arm();
    lg__lock(&gc->lock, RANK_GC);
    gc->rest = ticket;
    lg__unlock(&gc->lock, RANK_GC);
    lg_park("GC rest", lg__clock_was_changed(gc->rt) ? 0 : until_ns);
}

// Lets others run: on one of few Ps the coordinator takes a quarter of all the time
// that they have, as far as somebody wants it.
static void give_way(struct gc *gc, int64_t worked_ns)
{
    uint32_t nprocs = lg__nprocs(gc->rt);
    uint32_t percent = SHARE_PERCENT * nprocs;
    // On a clock that may stand still nothing of ours waits.
    bool is_driven = gc->rt->options.clock || lg__clock_was_changed(gc->rt);
    if (percent >= 100 || is_driven || !is_anyone_waiting(gc->rt)) {
        lg_yield();
        return;
    }
    int64_t rest_ns = worked_ns * (100 - percent) / percent;
    // relaxed: for figures
    atomic_store_explicit(&gc->is_resting, true, memory_order_relaxed);
    rest(gc, lg__now(gc->rt) + rest_ns);
    atomic_store_explicit(&gc->is_resting, false, memory_order_relaxed);
}

// One cycle after the other, as long as any is wanted.
static void run_cycles(struct gc *gc)
{
    for (;;) {
        int64_t since_ns = lg__clock_cpu();
        switch (lg__cycle_turn(gc, SLICE_NS)) {
        case TURN_OVER: return;
        case TURN_MARKED: give_way(gc, lg__clock_cpu() - since_ns); break;
        case TURN_WORKED:
        case TURN_IDLE:
        case TURN_TAKEN: lg_yield(); break;
        }
    }
}

static void coordinator_main(void *arg)
{
    for (;;) {
        wait_for_request(arg);
        run_cycles(arg);
    }
}

// Wakes the coordinator, or starts it the first time. LG_OK or LG_ENOMEM.
static int call_coordinator(struct gc *gc, bool is_forced)
{
    // relaxed: a hint
    atomic_store_explicit(&gc->is_manual, false, memory_order_relaxed);
    lg__lock(&gc->lock, RANK_GC);
    bool must_start = !gc->has_coordinator;
    bool must_wake = gc->is_coordinator_waiting;
    lg_ticket ticket = gc->coordinator;
    gc->has_coordinator = true;
    gc->is_coordinator_waiting = false;
    gc->is_requested = true;
    gc->nforced += is_forced;
    lg__unlock(&gc->lock, RANK_GC);
    if (must_wake) {
        lg_ready(ticket);
    }
    if (must_start &&
        lg__go_system(gc->rt, SYSTEM_COLLECTOR, coordinator_main, gc, "GC") != LG_OK) {
        lg__lock(&gc->lock, RANK_GC);
        gc->has_coordinator = false;
        gc->is_requested = false;
        gc->nforced = 0;
        lg__unlock(&gc->lock, RANK_GC);
        lg__stage_give_up(gc);
        return LG_ENOMEM;
    }
    return LG_OK;
}

void lg__gc_request(struct gc *gc)
{
    // relaxed: until the cycle begins nobody needs to ask again
    uint64_t cycle = atomic_load_explicit(&gc->cycle, memory_order_relaxed);
    uint64_t asked = atomic_load_explicit(&gc->asked, memory_order_relaxed);
    if (asked != cycle + 1 &&
        atomic_compare_exchange_strong_explicit(
            &gc->asked, &asked, cycle + 1, memory_order_relaxed, memory_order_relaxed) &&
        call_coordinator(gc, false) != LG_OK) {
        atomic_store_explicit(&gc->asked, cycle, memory_order_relaxed);
    }
}

void lg__gc_look(struct lg_runtime *rt)
{
    struct gc *gc = rt->gc;
    struct gc_period *period = &gc->period;
    int64_t now_ns = lg__now_coarse(rt);
    // relaxed: figures
    uint64_t cycle = atomic_load_explicit(&gc->cycle, memory_order_relaxed);
    int64_t live = atomic_load_explicit(&gc->pace.heap_live, memory_order_relaxed);
    int64_t marked = atomic_load_explicit(&gc->pace.marked, memory_order_relaxed);
    int percent = atomic_load_explicit(&gc->pace.percent, memory_order_relaxed);
    if (cycle != period->cycle || period->since_ns == 0 || live <= marked ||
        percent == LG_GC_OFF) {
        *period = (struct gc_period){.cycle = cycle, .since_ns = now_ns};
    } else if (now_ns - period->since_ns > PERIOD_NS) {
        period->since_ns = now_ns;
        lg__gc_request(gc);
    }
}

int lg_gc(lg_runtime *rt)
{
    struct m *m = lg__m();
    LG_MISUSE_IF(!m || !m->g || m->rt != rt, "lg_gc() outside a goroutine");
    struct gc *gc = lg__gc(rt);
    struct lg_g *g = m->g;
    lg__stage_arm(g);
    lg__lock(&gc->lock, RANK_GC);
    // relaxed: the next cycle that has not begun; at worst one more than needed
    uint64_t cycle = atomic_load_explicit(&gc->cycle, memory_order_relaxed);
    uint64_t stage = lg__gc_stage(cycle + 1, GC_SWEPT);
    lg__stage_enter_locked(gc, g, stage);
    lg__unlock(&gc->lock, RANK_GC);
    lg__wipe_below(); // or words of former calls would keep what the caller has forgotten
    int err = call_coordinator(gc, true); // and if it fails, all who wait are readied
    int rc = lg__stage_wait(g, "GC wait");
    rc = rc == LG_WAIT ? lg_wait() : rc;
    err = err ? err : rc;
    if (err == LG_OK && !lg__stage_is_reached(gc, stage)) {
        err = LG_ENOMEM; // who was to start the coordinator for us could not
    }
    // Nobody can be waited for: where memory has run out this is what may find some.
    return err == LG_ENOMEM && lg__gc_alone(gc, stage) ? LG_OK : err;
}

void lg__gc_rouse(struct gc *gc)
{
    lg__lock(&gc->lock, RANK_GC);
    bool must_wake = gc->is_coordinator_waiting && (gc->is_requested || gc->is_cycling);
    lg_ticket ticket = gc->coordinator;
    gc->is_coordinator_waiting &= !must_wake;
    lg__unlock(&gc->lock, RANK_GC);
    if (must_wake) {
        lg_ready(ticket);
    }
}

// While a cycle that is due has not begun, there is one more stage to come before
// marking; while one marks, its end. Otherwise nobody waits.
static bool enter_stalled(struct gc *gc, struct lg_g *g)
{
    lg__lock(&gc->lock, RANK_GC);
    uint64_t cycle = gc->stages.reached / 4;
    bool is_marking = gc->stages.reached % 4 == GC_BEGUN;
    bool must_wait =
        gc->has_coordinator &&
        (is_marking || gc->is_requested || gc->is_cycling || !gc->is_coordinator_waiting);
    if (must_wait) {
        lg__stage_enter_locked(gc, g,
                               is_marking ? lg__gc_stage(cycle, GC_MARKED)
                                          : lg__gc_stage(cycle + 1, GC_BEGUN));
    }
    lg__unlock(&gc->lock, RANK_GC);
    return must_wait;
}

void lg__gc_stall(struct gc *gc)
{
    struct lg_g *g = lg__m()->g;
    lg__stage_arm(g);
    if (enter_stalled(gc, g)) {
        lg__gc_rouse(gc);
        lg__stage_wait(g, "GC assist wait");
    } else {
        lg__wait_withdraw(g);
    }
}
