// SPDX-License-Identifier: MIT
//
// sysmon: a thread without a P that looks after the others: work that stands
// in runnext behind a goroutine that does not end, timers that nobody comes to,
// goroutines that have had their slice, blocking calls whose P is needed, the coarse
// clock. It sleeps while nothing runs, and does not exist with one P in a host that keeps
// its signals to itself.
#ifndef LG_SCHED_SYSMON_H
#define LG_SCHED_SYSMON_H

#include "sched/runtime.h"
#include "sched/watchdog.h"

// Whether goroutines lose their places to others, on threads of ours. Not in a host with
// one P that keeps its signals to itself: nothing but its own thread runs there.
LG_INLINE bool lg__may_hand_over(struct lg_runtime *rt)
{
    // relaxed: as in lg__nprocs()
    return atomic_load_explicit(&rt->procs, memory_order_relaxed) > 1 ||
           (rt->options.signals && rt->options.slice_ns > 0);
}

LG_INLINE bool lg__sysmon_is_wanted(struct lg_runtime *rt)
{
    return lg__may_hand_over(rt) || rt->options.schedtrace_ms > 0 ||
           lg__watchdog_ns(rt) > 0;
}

// Starts the thread if it is wanted and does not run yet.
// LG_OK or LG_ETHREAD.
int lg__sysmon_start(struct lg_runtime *rt);

// Stops it; the runtime's interrupts say so already.
void lg__sysmon_stop(struct lg_runtime *rt);

// Some P has become busy: wakes it if it sleeps.
void lg__sysmon_rouse(struct lg_runtime *rt);

#endif // LG_SCHED_SYSMON_H
