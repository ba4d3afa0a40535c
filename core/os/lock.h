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
// the memory that it stands in. A thread that holds one is not suspended.
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
    lg__nostop_lock(rank);
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
    lg__nostop_unlock(rank);
}

#endif // LG_OS_LOCK_H
