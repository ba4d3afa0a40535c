// SPDX-License-Identifier: MIT
//
// Waits of threads until a moment, on the monotonic clock: whoever sets the system's time neither
// stretches nor cuts one.
#ifndef LAGOON_TIMED_H
#define LAGOON_TIMED_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

// So many nanoseconds from now on.
struct timespec lagoon__timed_end(int64_t timeout_ns);

// As their namesakes. False: the moment has come.
bool lagoon__timed_cond(pthread_cond_t *cond, pthread_mutex_t *lock,
                        const struct timespec *end);
bool lagoon__timed_sem(sem_t *sem, const struct timespec *end);

#endif // LAGOON_TIMED_H
