// SPDX-License-Identifier: MIT
//
// Preemption: a goroutine that has had its slice makes room for others.
//
// sysmon asks the P (ASK_PREEMPT; sched/sysmon.c). Who sees it:
//
//   native goroutines   at their next blocking call, lg_checkpoint() or lg_yield()
//   a strand's turn     between two steps
//   a scripted one      is interrupted: a signal to its M, whose handler asks the
//                       strand's `interrupt`, which makes it yield soon
//
// The next scheduling decision takes it back. A goroutine that comes to nothing of
// that loses the right to run of its P to another (sched/handover.h).
#ifndef LG_SCHED_PREEMPT_H
#define LG_SCHED_PREEMPT_H

#include "sched/m.h"
#include "sched/runtime.h"

// The calling native goroutine goes to the end of the queue. Anything else: nothing.
void lg__preempt_yield(void);

// Interrupts what another thread's P runs, if that thread has run since cpu_ns, which is
// brought up to date. At the first look of a slice that is CPU_UNKNOWN.
enum { CPU_UNKNOWN = -1 };
void lg__preempt_signal(struct lg_runtime *rt, struct p *p, int64_t *cpu_ns);

// In a signal handler, on the M's thread.
void lg__preempt_on_signal(struct m *m, const struct interruption *at);

LG_INLINE bool lg__preempt_is_wanted(struct m *m)
{
    return m->p && lg__p_asks(m->p) != 0;
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
    // relaxed: sysmon may mean the slice before; one switch too many
    if (LG_UNLIKELY(lg__p_asks(p) & ASK_PREEMPT)) {
        atomic_fetch_and_explicit(&p->asks, ~(uint32_t)ASK_PREEMPT, memory_order_relaxed);
        atomic_store_explicit(&p->is_heard, false, memory_order_relaxed);
    }
}

#endif // LG_SCHED_PREEMPT_H
