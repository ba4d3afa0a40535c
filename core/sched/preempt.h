// SPDX-License-Identifier: MIT
//
// Preemption: a goroutine that has had its slice makes room for others.
//
// sysmon raises `preempt` of the P (sched/sysmon.c). Who sees it:
//
//   native goroutines   at their next blocking call, lg_checkpoint() or lg_yield()
//   a strand's turn     between two steps
//   a scripted one      is interrupted: a signal to its M, whose handler asks the
//                       strand's `interrupt`, which makes it yield soon
//
// The next scheduling decision lowers it again. A goroutine that comes to nothing of
// that loses the right to run of its P to another (sched/handover.h).
#ifndef LG_SCHED_PREEMPT_H
#define LG_SCHED_PREEMPT_H

#include "sched/m.h"
#include "sched/runtime.h"

// The calling native goroutine goes to the end of the queue. Anything else: nothing.
void lg__preempt_yield(void);

// Interrupts the goroutine that another thread's P runs, if it is a scripted one.
void lg__preempt_signal(struct lg_runtime *rt, struct p *p);

// In a signal handler, on the M's thread.
void lg__preempt_on_signal(struct m *m, const struct interruption *at);

LG_INLINE bool lg__preempt_is_wanted(struct m *m)
{
    // relaxed: seen a moment later it does as well
    return m->p && atomic_load_explicit(&m->p->preempt, memory_order_relaxed);
}

LG_INLINE void lg__preempt_point(void)
{
    struct m *m = lg__m();
    if (LG_UNLIKELY(m && lg__preempt_is_wanted(m))) {
        lg__preempt_yield();
    }
}

// A scheduling decision: another slice begins.
LG_INLINE void lg__preempt_begin_slice(struct p *p)
{
    // relaxed: sysmon may raise it for the slice before; one switch too many
    if (LG_UNLIKELY(atomic_load_explicit(&p->preempt, memory_order_relaxed))) {
        atomic_store_explicit(&p->preempt, false, memory_order_relaxed);
        atomic_store_explicit(&p->is_heard, false, memory_order_relaxed);
    }
}

#endif // LG_SCHED_PREEMPT_H
