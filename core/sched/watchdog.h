// SPDX-License-Identifier: MIT
//
// The watchdog: names a goroutine that holds its P for long, with the stack that it
// stands on where a signal can ask for it.
#ifndef LG_SCHED_WATCHDOG_H
#define LG_SCHED_WATCHDOG_H

#include "sched/m.h"
#include "sched/runtime.h"

LG_INLINE int64_t lg__watchdog_ns(struct lg_runtime *rt)
{
    // relaxed: a setting
    return atomic_load_explicit(&rt->watchdog.after_ns, memory_order_relaxed);
}

// P p has been held for so long: tells on_log. sysmon.
void lg__watchdog_report(struct lg_runtime *rt, struct p *p, int64_t held_ns);

// In a signal handler: notes the stack if that is asked of this M.
void lg__watchdog_on_signal(struct m *m, const struct interruption *at);

#endif // LG_SCHED_WATCHDOG_H
