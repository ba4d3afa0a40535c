// SPDX-License-Identifier: MIT
//
// Strands: serial executors for scripted goroutines.
//
// A strand's work is a list of posts: goroutines to step and functions to
// call. Whoever is inside appends to `work` without an atomic operation;
// others push onto `inbox`, a stack that the one inside turns over when work
// is empty. The inbox also says who is responsible for the strand:
//
//   STRAND_IDLE   nothing to do, in no run queue. Who pushes onto this queues
//                 the strand.
//   anything else it stands in one run queue, or one M is inside.
//
// A goroutine of no strand may go inside for a moment while it is idle, in place of a post.
//
// So there is one word, one CAS leaves the strand, and no wake-up is lost.
// Modelled in spec/models/strand.pml.
#ifndef LG_SCHED_STRAND_H
#define LG_SCHED_STRAND_H

#include "base/base.h"
#include "base/list.h"
#include "lagoon.h"
#include "sched/netpoll.h"
#include "sched/runq.h"
#include "sched/runtime.h"

#define STRAND_IDLE ((lg_post *)(uintptr_t)1)

struct lg_strand {
    struct runnable run; // in run queues
    struct lg_runtime *rt;
    struct node node; // in the runtime's list, guarded by its lock
    const lg_strand_ops *ops;
    void *ud;

    // -- any thread --
    _Atomic(lg_post *) inbox; // newest first; or STRAND_IDLE
    _Atomic bool is_occupied; // an M is inside

    // -- who closes it; the M inside leaves --
    _Atomic bool is_closing;

    // -- runtime's lock --
    lg_post *held; // goroutines started from outside, newest first; the next
                   // lg_drive() queues them

    _Atomic(struct m *) home; // the only one that runs it; NULL: any (sched/wire.h)

    // -- the M inside --
    uint32_t nlocks; // lg_lock_thread() of its goroutines
    lg_post *work;   // oldest first
    lg_post *work_last;
    uint64_t nwork;       // in work
    struct polled polled; // its I/O
};

// Appends a post to a strand and makes the strand runnable if it was idle.
void lg__strand_push(struct lg_strand *s, lg_post *post);

// Posts without queuing the strand. True: it was idle, and the caller must queue it. From
// outside.
bool lg__strand_post_idle(struct lg_strand *s, lg_post *post);

// Takes back a post if it is queued. Only inside the strand.
bool lg__strand_unpost(struct lg_strand *s, lg_post *post);

// Works in a strand until it has nothing to do or its turn is over. On the
// loop's stack; the calling M is inside from here on.
void lg__strand_run(struct lg_strand *s);

// Goes inside for a moment, if nobody is: the calling goroutine, which is no strand's, and must
// neither wait nor yield before lg__strand_leave(). Of the work that came meanwhile that makes
// none: it queues the strand. False: post. Never where an order is kept.
bool lg__strand_try_enter(struct lg_strand *s);
void lg__strand_leave(struct lg_strand *s);

// How many steps and calls a strand that stands in a queue would begin with; 1 if it has
// none, since who pushes onto it relies on whoever takes it out of there: the caller, and
// nobody else may.
uint64_t lg__strand_count_ready(struct lg_strand *s);

// The goroutine that it would step first; NULL: it begins with a call, or has nothing to
// do. For the same caller.
struct lg_g *lg__strand_first_ready(struct lg_strand *s);

// Queues the strands that were given goroutines from outside. Their areas are
// filled by now.
void lg__strands_nudge_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock);

// Frees the strands that are left, on a runtime where nothing runs.
void lg__strands_free(struct lg_runtime *rt);

// Whether lg_strand_close() drops its goroutines at this moment.
LG_INLINE bool lg__strand_is_closing(struct lg_strand *s)
{
    // acquire: pairs with the release in lg_strand_close()
    return atomic_load_explicit(&s->is_closing, memory_order_acquire);
}

// Goes on where a donated stack left the strand, on a fresh loop stack.
void lg__strand_resume(struct lg_strand *s);

// Marks a post that is a goroutine's `step`. Never called.
void lg__strand_step_marker(lg_post *post);

// Moves the inbox, oldest first, to the end of work. Who is responsible for the strand.
void lg__strand_turn_inbox_over(struct lg_strand *s);

// Makes the caller responsible for a strand that nobody is for: who pushes onto it does not
// queue it.
LG_INLINE bool lg__strand_claim(struct lg_strand *s)
{
    lg_post *idle = STRAND_IDLE;
    // acquire: pairs with the release of the last M that left
    return atomic_compare_exchange_strong_explicit(
        &s->inbox, &idle, NULL, memory_order_acq_rel, memory_order_relaxed);
}

LG_INLINE bool lg__strand_is_inside(const struct lg_strand *s)
{
    struct m *m = lg__m();
    return m && m->strand == s;
}

#endif // LG_SCHED_STRAND_H
