// SPDX-License-Identifier: MIT
//
// Going idle, and being woken. After Go's protocol (runtime/proc.go, "Worker
// thread parking/unparking"), with one difference: work that only stands in
// runnext wakes nobody at once (see sched.c).
//
// The two-thread story behind every seq_cst here:
//
//   who queues work                       who goes idle
//   ---------------                       -------------
//   stores the ring's tail (or nglobal)   counts its P in nidle, takes
//   reads nidle and nspinning             itself out of nspinning
//   none spins, some idle: wakes one      reads all rings and nglobal
//                                         finds some: takes a P back
//
// In the single order of seq_cst operations one of them comes first, so one of
// the two notices the other. Modelled in spec/models/idle.pml.
#ifndef LG_SCHED_IDLE_H
#define LG_SCHED_IDLE_H

#include "sched/runtime.h"

// Tells the world how long the global queue is.
void lg__nglobal_publish_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock);

// Takes the oldest of the global queue. For who has a ring with something in it: what
// is moved there might be spilled again before it runs, and so time after time.
struct runnable *lg__global_pop_one(struct lg_runtime *rt);

// Takes a fair share of the global queue: one to run, the rest into the ring.
struct runnable *lg__global_pop(struct lg_runtime *rt, struct p *p);

// Looks for work in other Ps' queues and timers, counted as spinning.
struct runnable *lg__find_elsewhere(struct m *m);

// Whether queues hold work that an idle M would take. seq_cst, see above.
bool lg__has_work(struct lg_runtime *rt);

// The owner of a P runs the timers of all that are due.
void lg__idle_run_timers(struct m *m);

// How long an M without a P may sleep before it must look at timers, since nobody else
// is awake to do that; in nanoseconds, -1: for ever.
int64_t lg__idle_timeout(struct lg_runtime *rt);

// Gives the P up and sleeps until there is a reason to look again. Returns
// with or without a P; false: the M is not needed any more, and must leave.
bool lg__idle(struct m *m);

// Heeds interrupts: true, the M must leave its loop. Gives its P up then.
bool lg__idle_must_leave(struct m *m);

// Takes any idle P, or NULL; and gives one up, retired ones included.
struct p *lg__take_idle_p_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock);
void lg__put_idle_p_locked(struct lg_runtime *rt, struct p *p) LG_REQUIRES(rt->lock);

// Takes the host's own P, which nobody owns: in excess.
struct p *lg__p_borrow_hosts_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock);

// When the first timer falls due, of all Ps; LG_NEVER.
int64_t lg__first_timer(struct lg_runtime *rt);

// Whether a runnext is left, where nothing runs; and how many stand in queues.
bool lg__has_runnext(struct lg_runtime *rt);
uint64_t lg__count_queued(struct lg_runtime *rt);

// Takes any idle P, or NULL.
struct p *lg__take_idle_p(struct lg_runtime *rt);

// Gives a P up.
void lg__put_idle_p(struct lg_runtime *rt, struct p *p);

// Sets how many Ps are active. Idle ones go first; owned ones in excess are given up
// at their next round.
void lg__ps_resize_locked(struct lg_runtime *rt, uint32_t procs) LG_REQUIRES(rt->lock);

// Makes sure that ps[0..procs) exist; new ones are idle. LG_OK or LG_ENOMEM.
int lg__ps_grow(struct lg_runtime *rt, uint32_t procs);

// A P has become idle whose M does not look for work any more: wakes somebody who does,
// if work has been left, or timers that nobody would come to.
void lg__wake_for_rest(struct lg_runtime *rt);

// Whether the M must leave its loop.
bool lg__idle_is_called_away(struct m *m);

// Tells the driver if everything waits and nothing can wake it. By who goes to sleep.
void lg__idle_look_for_deadlock_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock);

// Thieves leave runnext alone: puts it into the ring. Who owns the P.
void lg__p_show_runnext(struct p *p);

// Puts another P, an idle one, in the place of an owned one, which is in excess from
// here on. False: it is not owned any more, or there is none.
bool lg__p_replace(struct lg_runtime *rt, struct p *p);

// Moves what stands in a P's queue to the global one. Who owns the P.
void lg__p_give_queue(struct lg_runtime *rt, struct p *p);

// Gives the M's P to who waits for one. False: nobody does, or it is in excess.
bool lg__give_p_locked(struct lg_runtime *rt, struct m *m) LG_REQUIRES(rt->lock);

// Gives back the blocks that Ps have at hand which have been idle since the last call;
// returns whether more may follow. Or those of all idle Ps.
bool lg__ps_flush_idle(struct lg_runtime *rt);
void lg__ps_flush_idle_now(struct lg_runtime *rt);

// Frees the record of a P, on a runtime where nothing runs.
void lg__p_free(struct lg_runtime *rt, struct p *p);

#endif // LG_SCHED_IDLE_H
