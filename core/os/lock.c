// SPDX-License-Identifier: MIT
#include "os/lock.h"

#include "os/cpu.h"
#include "os/futex.h"

// Critical sections take tens of nanoseconds, a futex sleep and wake tens of
// microseconds: spinning this often (about 2 us) nearly always suffices.
enum { SPINS_BEFORE_SLEEP = 100 };

void lg__lock_slow(struct lock *lock)
{
    for (int i = 0; i < SPINS_BEFORE_SLEEP; i++) {
        uint32_t open = LOCK_OPEN;
        // acquire: pairs with the release in lg__unlock().
        if (atomic_load_explicit(&lock->state, memory_order_relaxed) == LOCK_OPEN &&
            atomic_compare_exchange_weak_explicit(&lock->state, &open, LOCK_HELD,
                                                  memory_order_acquire,
                                                  memory_order_relaxed)) {
            return;
        }
        lg__cpu_pause();
    }
    // Whoever takes it from here on must assume that others sleep as well.
    // acquire: pairs with the release in lg__unlock().
    while (atomic_exchange_explicit(&lock->state, LOCK_CONTENDED, memory_order_acquire) !=
           LOCK_OPEN) {
        lg__futex_wait(&lock->state, LOCK_CONTENDED, -1);
    }
}

void lg__unlock_slow(struct lock *lock)
{
    lg__futex_wake(&lock->state);
}
