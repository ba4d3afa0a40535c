// SPDX-License-Identifier: MIT
//
// The order of a deterministic runtime: one P, a seed, and a clock that stands still while
// anything can run and moves to the next timer when everything waits. So the same inputs
// give the same decisions.
//
// What must not change the order stands beside it: the collector's goroutines, and what
// feeds inputs from outside (lg_strand_set_outside()). Whatever is beside has a queue, a
// heap of timers and ids of its own, comes first whenever there is any of it, and leaves no
// trace in the queues, the counts and the seeds of the others. So a cycle of the collector
// is over before the next of the order runs, at whatever moment it began.
//
// The place in a run is the number of decisions so far: what was taken from the run queues,
// and timers that fell due. `sum` is mixed of all trace events: two runs with the same sum
// have had the same course, as far as that goes.
#ifndef LG_SCHED_ORDER_H
#define LG_SCHED_ORDER_H

#include "sched/runtime.h"

LG_INLINE bool lg__order_is_kept(const struct lg_runtime *rt)
{
    return LG_UNLIKELY(rt->options.deterministic);
}

// Whether a goroutine is beside the order; else, with NULL, who runs on the M is.
bool lg__order_is_beside(struct m *m, struct lg_g *g);

// Whether what the calling thread starts is.
bool lg__order_starts_beside(struct lg_runtime *rt);

// Ids of those, which are taken from nobody.
uint64_t lg__order_beside_id(struct lg_runtime *rt);

// The heap for timers that the M starts.
struct timers *lg__order_timers(struct m *m);

// Queues what is beside. Any thread.
void lg__order_push_beside(struct lg_runtime *rt, struct runnable *r);

// Takes one out of that queue. False: it does not stand there.
bool lg__order_forget_locked(struct lg_runtime *rt, struct runnable *r)
    LG_REQUIRES(rt->lock);

// The next to run of a P; moves the clock if that takes it. NULL: somebody outside has to come.
struct runnable *lg__order_pop(struct m *m);

// How long the M may sleep with so much left to the next timer: in the system's time, while
// somebody outside is waited for; and that it has slept.
int64_t lg__order_sleep_ns(struct lg_runtime *rt, int64_t left_ns);
void lg__order_slept(struct lg_runtime *rt, int64_t slept_ns);

// Mixes an event into the sum. By who has the P.
void lg__order_note(struct lg_runtime *rt, const lg_trace_event *event);

void lg__order_init(struct lg_runtime *rt);
void lg__order_fini(struct lg_runtime *rt);

#endif // LG_SCHED_ORDER_H
