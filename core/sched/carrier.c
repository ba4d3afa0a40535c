// SPDX-License-Identifier: MIT
#include "sched/carrier.h"

#include "sched/order.h"
#include "sched/runtime.h"

// Into the heap of the own P, or of one that has room.
static int add_to_any_p(struct lg_runtime *rt, struct timer *timer)
{
    struct m *m = lg__m();
    bool has_p = m && m->rt == rt && m->p;
    int err = LG_ENOMEM;
    if (has_p) {
        err = lg__timer_add(lg__order_timers(m), &rt->alloc, timer);
    }
    for (uint32_t i = 0; err && i < lg__nps(rt); i++) {
        err = lg__timer_add(&lg__p_at(rt, i)->timers, &rt->alloc, timer);
        has_p = false;
    }
    if (!err && !has_p) {
        lg_clock_moved(rt); // those who sleep must count it in
    }
    return err;
}

// Puts the carrier to where the first timer of the heap wants it.
// NOLINTNEXTLINE(misc-no-recursion): as above
int lg__clock_arm_locked(struct lg_clock *clock) LG_UNCHECKED_LOCKING
{
    struct lg_clock *parent = clock->parent;
    int64_t at_ns = lg__clock_parents_locked(clock, lg__timers_next(&clock->timers));
    if (at_ns == clock->armed_ns) {
        return LG_OK;
    }
    lg__timer_remove(&clock->carrier);
    clock->armed_ns = LG_NEVER;
    if (at_ns == LG_NEVER) {
        return LG_OK;
    }
    clock->carrier.when_ns = at_ns;
    int err = LG_OK;
    if (parent->parent) {
        err = lg__timer_add(&parent->timers, &clock->rt->alloc, &clock->carrier);
        err = err ? err : lg__clock_arm_locked(parent);
    } else {
        err = add_to_any_p(clock->rt, &clock->carrier);
    }
    clock->armed_ns = err ? LG_NEVER : at_ns;
    return err;
}

static int arm(struct lg_clock *clock)
{
    struct lg_runtime *rt = clock->rt;
    lg__lock(&rt->clocks.lock, RANK_CLOCKS);
    int err = lg__clock_arm_locked(clock);
    lg__unlock(&rt->clocks.lock, RANK_CLOCKS);
    return err;
}

int lg__clock_add(struct lg_clock *clock, struct timer *timer)
{
    struct lg_runtime *rt = clock ? clock->rt : lg__m()->rt;
    if (!clock || !clock->parent) {
        return lg__timer_add(lg__order_timers(lg__m()), &rt->alloc, timer);
    }
    int64_t when_ns = timer->when_ns; // it may have come a moment later
    int err = lg__timer_add(&clock->timers, &rt->alloc, timer);
    if (!err && lg__timers_next(&clock->timers) >= when_ns) {
        err = arm(clock);
        if (err && !lg__timer_remove(timer)) {
            err = LG_OK;
        }
    }
    return err;
}

// False: it is being freed.
static bool try_retain(struct lg_clock *clock)
{
    // relaxed: the CAS tells
    uint32_t n = atomic_load_explicit(&clock->nrefs, memory_order_relaxed);
    do {
        if (n == 0) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(
        &clock->nrefs, &n, n + 1, memory_order_relaxed, memory_order_relaxed));
    return true;
}

// The carrier has come.
void lg__clock_on_due(void *arg, uint64_t cookie)
{
    (void)cookie;
    struct lg_clock *clock = arg;
    if (!try_retain(clock)) {
        return; // who frees it waits for us
    }
    lg__lock(&clock->rt->clocks.lock, RANK_CLOCKS);
    clock->armed_ns = LG_NEVER;
    lg__unlock(&clock->rt->clocks.lock, RANK_CLOCKS);
    lg__timers_run(&clock->timers, lg__clock_read(clock), lg__m());
    arm(clock);
    lg_clock_release(clock);
}
