// SPDX-License-Identifier: MIT
#include "os/lock.h"

#include <time.h>

#include "os/cpu.h"

enum {
    PAUSES_MAX = 128,         // a few us, a hundred critical sections
    ROUNDS_BEFORE_SLEEP = 12, // about 30 us in all
    SLEEP_NS = 20 * 1000,
};

static bool try_lock(struct lock *lock)
{
    uint32_t open = LOCK_OPEN;
    // acquire: pairs with the release in lg__unlock().
    return atomic_load_explicit(&lock->state, memory_order_relaxed) == LOCK_OPEN &&
           atomic_compare_exchange_weak_explicit(&lock->state, &open, LOCK_HELD,
                                                 memory_order_acquire,
                                                 memory_order_relaxed);
}

// Waits twice as long after each try. A lock that two CPUs want all the time is
// better kept by one of them for a while than carried to and fro: its cache line
// and that of what it protects cost more to fetch than the work under it.
void lg__lock_slow(struct lock *lock)
{
    int pauses = 1;
    lg__nostop_set_waiting(true);
    for (int rounds = 0; !try_lock(lock); rounds++) {
        if (rounds < ROUNDS_BEFORE_SLEEP) {
            for (int i = 0; i < pauses; i++) {
                lg__cpu_pause();
            }
            pauses = pauses < PAUSES_MAX ? 2 * pauses : PAUSES_MAX;
        } else {
            struct timespec moment = {.tv_nsec = SLEEP_NS};
            nanosleep(&moment, NULL);
        }
    }
    lg__nostop_set_waiting(false);
}
