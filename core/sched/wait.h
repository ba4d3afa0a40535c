// SPDX-License-Identifier: MIT
//
// The wait word: how a goroutine is made ready exactly once, by whoever of a
// channel partner, a timer and a canceler comes first, even while it is still
// on its way to sleep. Modelled in spec/models/park.pml.
//
//   63          32 31        8 7                0
//  +--------------+-----------+------------------+
//  | which wait   | how ended | flags            |
//  +--------------+-----------+------------------+
//
// One wait goes like this. Time runs down; claim, commit and deliver are atomic
// read-modify-writes of the word, so all agree on their order.
//
//   goroutine                  waker
//   ---------                  -----
//   arm: new number, ARMED
//   publishes waiters
//                              claim: ARMED -> +CLAIMED, how   (one waker wins)
//                              copies the element
//   commit: +PARKED            deliver: +FIRED
//
// The goroutine commits when it has left its stack. If commit finds FIRED, or
// deliver finds PARKED, that one, and only that one, makes it runnable.
//
// A number is never used twice, and the word outlives the goroutine, so a
// waker that comes too late finds another number or CLAIMED and does nothing.
// Nobody but the goroutine touches a word that is not ARMED, or is FIRED.
//
// A cancellation may come when there is no wait. It stands in `cancel`, as the
// goroutine's id, until a wait takes it: the goroutine looks there before it
// arms and after it has committed, the canceler at the word after it has
// written there. One of the two sees the other. Who takes it out ends the wait.
#ifndef LG_SCHED_WAIT_H
#define LG_SCHED_WAIT_H

#include "base/base.h"

enum {
    WAIT_ARMED = 1U << 0,
    WAIT_CLAIMED = 1U << 1,
    WAIT_FIRED = 1U << 2,
    WAIT_PARKED = 1U << 3,
    WAIT_HEEDS = 1U << 4, // a cancellation may end it
};

// How a wait ended, and for WAKE_READY and WAKE_CLOSED in which of its cases.
enum wake {
    WAKE_READY,
    WAKE_CLOSED,
    WAKE_TIMEOUT,
    WAKE_CANCEL,
    WAKE_NOMEM, // its timer could not be started
    WAKE_DROP,  // its strand is closed; nothing may wait any more
};

struct wait {
    _Atomic uint64_t word;
    _Atomic uint64_t cancel; // the id of who is to be canceled; 0: nobody
};

LG_INLINE uint64_t lg__wait_number_of(uint64_t word)
{
    return word >> 32;
}

LG_INLINE uint64_t lg__wait_load(struct wait *wait)
{
    // acquire: pairs with deliver; what the waker wrote is visible
    return atomic_load_explicit(&wait->word, memory_order_acquire);
}

// Which wait the goroutine is in. Only the goroutine itself may ask.
LG_INLINE uint64_t lg__wait_number(struct wait *wait)
{
    // relaxed: only the goroutine changes the number
    return lg__wait_number_of(atomic_load_explicit(&wait->word, memory_order_relaxed));
}

LG_INLINE enum wake lg__wait_wake(struct wait *wait)
{
    // relaxed: FIRED was seen before
    uint64_t word = atomic_load_explicit(&wait->word, memory_order_relaxed);
    return (enum wake)(word >> 8 & 0xf);
}

LG_INLINE uint32_t lg__wait_case(struct wait *wait)
{
    // relaxed: as above
    uint64_t word = atomic_load_explicit(&wait->word, memory_order_relaxed);
    return (uint32_t)(word >> 12 & 0xffff);
}

LG_INLINE bool lg__wait_is_fired(struct wait *wait)
{
    return (lg__wait_load(wait) & WAIT_FIRED) != 0;
}

// Starts a new wait.
LG_INLINE void lg__wait_arm(struct wait *wait, bool heeds_cancel)
{
    uint64_t number = lg__wait_number(wait) + 1;
    uint32_t flags = WAIT_ARMED | (heeds_cancel ? WAIT_HEEDS : 0);
    // relaxed: waiters are published by the locks of their queues
    atomic_store_explicit(&wait->word, number << 32 | flags, memory_order_relaxed);
}

// Takes the cancellation of goroutine `id` out, if there is one: the caller
// answers for it.
LG_INLINE bool lg__wait_take_cancel(struct wait *wait, uint64_t id)
{
    // relaxed: a canceler that is not seen here is seen by commit
    if (LG_LIKELY(atomic_load_explicit(&wait->cancel, memory_order_relaxed) == 0)) {
        return false;
    }
    // acquire: pairs with the canceler; what it did before is visible
    return atomic_compare_exchange_strong_explicit(
        &wait->cancel, &id, 0, memory_order_acquire, memory_order_relaxed);
}

// Tries to be the one who ends wait `number`. The winner must deliver.
LG_INLINE bool lg__wait_claim(struct wait *wait, uint64_t number, enum wake wake,
                              uint32_t which_case)
{
    // relaxed: the CAS tells
    uint64_t word = atomic_load_explicit(&wait->word, memory_order_relaxed);
    uint64_t how = (uint64_t)wake << 8 | (uint64_t)which_case << 12;
    for (;;) {
        if (lg__wait_number_of(word) != (uint32_t)number ||
            (word & (WAIT_ARMED | WAIT_CLAIMED)) != WAIT_ARMED) {
            return false;
        }
        // acquire: the waker may now read what the goroutine wrote before the
        // wait; release is deliver's business
        if (atomic_compare_exchange_weak_explicit(
                &wait->word, &word, word | WAIT_CLAIMED | how, memory_order_acquire,
                memory_order_relaxed)) {
            return true;
        }
    }
}

// Ends a claimed wait. True: the goroutine has parked, make it runnable.
LG_INLINE bool lg__wait_deliver(struct wait *wait)
{
    // acquire: pairs with commit; its stack is complete
    uint64_t seen = atomic_load_explicit(&wait->word, memory_order_acquire);
    if (LG_LIKELY(seen & WAIT_PARKED)) {
        // Claimed and parked, the word is ours alone. A store does.
        LG_ASSERT((seen & (WAIT_CLAIMED | WAIT_FIRED)) == WAIT_CLAIMED);
        // release: pairs with the acquire in load; publishes the element
        atomic_store_explicit(&wait->word, seen | WAIT_FIRED, memory_order_release);
        return true;
    }
    // release: pairs with the acquire in commit and load; publishes the
    // element. acquire: pairs with commit; its stack is complete
    uint64_t word =
        atomic_fetch_or_explicit(&wait->word, WAIT_FIRED, memory_order_acq_rel);
    LG_ASSERT(word & WAIT_CLAIMED);
    LG_ASSERT(!(word & WAIT_FIRED));
    return (word & WAIT_PARKED) != 0;
}

// The goroutine has left its stack. Returns the word: with FIRED, the wait was
// ended meanwhile, make it runnable.
LG_INLINE uint64_t lg__wait_commit(struct wait *wait)
{
    // An addition, since the bit is clear: x86 has that in one instruction.
    // release: pairs with the acquire in deliver; publishes the saved context.
    // acquire: pairs with the release in deliver. seq_cst: a look for a
    // cancellation comes after
    uint64_t word =
        atomic_fetch_add_explicit(&wait->word, WAIT_PARKED, memory_order_seq_cst);
    LG_ASSERT(word & WAIT_ARMED);
    LG_ASSERT(!(word & WAIT_PARKED));
    return word;
}

// Ends the numbers of a goroutine that has ended: late wakers miss.
LG_INLINE void lg__wait_retire(struct wait *wait)
{
    uint64_t number = lg__wait_number(wait) + 1;
    // release: pairs with the acquire in lg_cancel(), which must then see that
    // the goroutine's id is gone
    atomic_store_explicit(&wait->word, number << 32, memory_order_release);
}

#endif // LG_SCHED_WAIT_H
