// SPDX-License-Identifier: MIT
//
// Queues of goroutines that wait for something, first come, first served.
//
// A queue belongs to a channel, a lock, ... and is guarded by its lock. A
// waiter in it may have lost its goroutine to a timer or a canceler; claiming
// it fails then, and it is passed over. `queue` says whether it still stands
// in one, so whoever comes second does not take it out twice.
#ifndef LG_SCHED_WAITER_H
#define LG_SCHED_WAITER_H

#include "sched/g.h"
#include "sched/park.h"

// Appends a waiter of the armed wait of g.
void lg__waitq_push(struct list *queue, struct lg_g *g, struct waiter *w);

// The same for one that must not lose its place.
void lg__waitq_push_front(struct list *queue, struct lg_g *g, struct waiter *w);

// Takes a waiter out if it still stands in a queue.
void lg__waitq_unlink(struct waiter *w);

// Takes out the first waiter whose wait can still be ended, and ends it so;
// passes over those of `self`, which stay. NULL: there is none. The caller
// fires the waiter's goroutine when its lock is open again.
struct waiter *lg__waitq_claim(struct list *queue, enum wake wake,
                               const struct lg_g *self);

// Moves all whose wait can still be ended to a list of their own, to be fired
// when the lock is open; lg__waitq_fire_all() returns how many.
void lg__waitq_claim_all(struct list *queue, enum wake wake, struct list *out);
size_t lg__waitq_fire_all(struct list *claimed);

// Whether a waiter of another goroutine than `self` stands in the queue.
bool lg__waitq_has_other(const struct list *queue, const struct lg_g *self);

// Whether somebody has ended the wait of a waiter in a queue. May change at once.
LG_INLINE bool lg__waiter_is_over(const struct waiter *w)
{
    // relaxed: true at some moment
    uint64_t word = atomic_load_explicit(&w->g->wait.word, memory_order_relaxed);
    return lg__wait_number_of(word) != w->number ||
           (word & (WAIT_ARMED | WAIT_CLAIMED)) != WAIT_ARMED;
}

// What a blocking call returns after such a wake.
int lg__wake_result(enum wake wake);

#endif // LG_SCHED_WAITER_H
