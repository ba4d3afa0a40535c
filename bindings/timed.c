// SPDX-License-Identifier: MIT
#include "timed.h"

#include <errno.h>

struct timespec lagoon__timed_end(int64_t timeout_ns)
{
    enum { SECOND_NS = 1000000000 };
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += timeout_ns / SECOND_NS;
    end.tv_nsec += timeout_ns % SECOND_NS;
    if (end.tv_nsec >= SECOND_NS) {
        end.tv_nsec -= SECOND_NS;
        end.tv_sec++;
    }
    return end;
}

bool lagoon__timed_cond(pthread_cond_t *cond, pthread_mutex_t *lock,
                        const struct timespec *end)
{
    return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, end) == 0;
}

bool lagoon__timed_sem(sem_t *sem, const struct timespec *end)
{
    int failed;
    do {
        failed = sem_clockwait(sem, CLOCK_MONOTONIC, end);
    } while (failed && errno == EINTR);
    return !failed;
}
