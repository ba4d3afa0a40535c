// SPDX-License-Identifier: MIT
#include "os/lock.h"

#include <time.h>

#include "os/cpu.h"

enum {
    SPINS_BEFORE_SLEEP = 200, // about 5 us, a hundred critical sections
    SLEEP_NS = 20 * 1000,
};

void lg__lock_slow(struct lock *lock)
{
    for (int spins = 0;; spins++) {
        uint32_t open = LOCK_OPEN;
        // acquire: pairs with the release in lg__unlock().
        if (atomic_load_explicit(&lock->state, memory_order_relaxed) == LOCK_OPEN &&
            atomic_compare_exchange_weak_explicit(&lock->state, &open, LOCK_HELD,
                                                  memory_order_acquire,
                                                  memory_order_relaxed)) {
            return;
        }
        if (spins < SPINS_BEFORE_SLEEP) {
            lg__cpu_pause();
        } else {
            struct timespec moment = {.tv_nsec = SLEEP_NS};
            nanosleep(&moment, NULL);
        }
    }
}
