// SPDX-License-Identifier: MIT
//
// A lock for the runtime's own short critical sections, of tens of nanoseconds.
// Zero bytes are an open one. It protects data of threads, never of goroutines:
// it is released before any switch.
//
// Taking it is one atomic read-modify-write, opening it a plain store: an
// exchange, to learn whether somebody sleeps, would double the price. So who
// finds it held spins, and sleeps a moment only when its holder seems to have
// lost its CPU. Opening it is also the last touch: who takes it next may free
// the memory that it stands in.
//
// A thread that holds one is not suspended (os/suspend.h), or who waits for it might
// wait for a thread that waits for him to stop. Locks of the user's channels and
// their kin, RANK_SYNC, are taken too often to pay for saying so. Their holder may
// be suspended; for that nobody waits for one who could not be suspended meanwhile:
// not in code that says so, and not in the scheduler's loop, where lg__lock_slow()
// says that it waits.
#ifndef LG_OS_LOCK_H
#define LG_OS_LOCK_H

#include "base/annotate.h"
#include "base/base.h"
#include "os/lockrank.h"
#include "os/suspend.h"

enum { LOCK_OPEN = 0, LOCK_HELD = 1 };

struct LG_CAPABILITY("lock") lock {
    _Atomic uint32_t state; // LOCK_*
};

void lg__lock_slow(struct lock *lock);

LG_INLINE void lg__lock(struct lock *lock, enum lock_rank rank)
    LG_ACQUIRES(*lock) LG_UNCHECKED_LOCKING
{
    if (rank != RANK_SYNC) {
        lg__nostop_lock(rank);
    } else {
        LG_ASSERT(lg__nostop_is_clear());
    }
    lg__lockrank_acquire(rank);
    uint32_t open = LOCK_OPEN;
    // acquire: pairs with the release in lg__unlock(); all that the former
    // holder wrote is visible.
    if (LG_UNLIKELY(!atomic_compare_exchange_strong_explicit(
            &lock->state, &open, LOCK_HELD, memory_order_acquire,
            memory_order_relaxed))) {
        lg__lock_slow(lock);
    }
}

LG_INLINE void lg__unlock(struct lock *lock, enum lock_rank rank)
    LG_RELEASES(*lock) LG_UNCHECKED_LOCKING
{
    // release: pairs with the acquire in lg__lock() and lg__lock_slow().
    atomic_store_explicit(&lock->state, LOCK_OPEN, memory_order_release);
    lg__lockrank_release(rank);
    if (rank != RANK_SYNC) {
        lg__nostop_unlock(rank);
    }
}

#endif // LG_OS_LOCK_H
