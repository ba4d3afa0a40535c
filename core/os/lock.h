// SPDX-License-Identifier: MIT
//
// A lock for the runtime's own short critical sections: four bytes, two atomic
// operations when nobody contends, a short spin and then a futex when somebody
// does. Zero bytes are an open one. It protects data of threads, never of
// goroutines: it is released before any switch.
//
// After "Futexes are tricky" (Drepper, 2011), mutex 2.
#ifndef LG_OS_LOCK_H
#define LG_OS_LOCK_H

#include "base/annotate.h"
#include "base/base.h"
#include "os/lockrank.h"

enum { LOCK_OPEN = 0, LOCK_HELD = 1, LOCK_CONTENDED = 2 };

struct LG_CAPABILITY("lock") lock {
    _Atomic uint32_t state; // LOCK_*; CONTENDED: somebody may sleep on it
};

void lg__lock_slow(struct lock *lock);
void lg__unlock_slow(struct lock *lock);

LG_INLINE void lg__lock(struct lock *lock, enum lock_rank rank) LG_ACQUIRES(*lock)
    LG_UNCHECKED_LOCKING
{
    lg__lockrank_acquire(rank);
    uint32_t open = LOCK_OPEN;
    // acquire: pairs with the release in lg__unlock(); all that the former
    // holder wrote is visible.
    if (LG_UNLIKELY(!atomic_compare_exchange_strong_explicit(&lock->state, &open,
                                                             LOCK_HELD,
                                                             memory_order_acquire,
                                                             memory_order_relaxed))) {
        lg__lock_slow(lock);
    }
}

LG_INLINE void lg__unlock(struct lock *lock, enum lock_rank rank) LG_RELEASES(*lock)
    LG_UNCHECKED_LOCKING
{
    // release: pairs with the acquire in lg__lock() and lg__lock_slow().
    if (LG_UNLIKELY(atomic_exchange_explicit(&lock->state, LOCK_OPEN,
                                             memory_order_release) == LOCK_CONTENDED)) {
        lg__unlock_slow(lock);
    }
    lg__lockrank_release(rank);
}

#endif // LG_OS_LOCK_H
