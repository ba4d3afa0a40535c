// SPDX-License-Identifier: MIT
//
// The system's monotonic clock.
#ifndef LG_OS_CLOCK_H
#define LG_OS_CLOCK_H

#include <pthread.h>
#include <stdint.h>

// Nanoseconds since some moment before the process started.
int64_t lg__clock_now(void);

// Nanoseconds since 1970, as far as the system knows.
int64_t lg__clock_wall(void);

// The CPU time of the calling thread in nanoseconds; a system call.
int64_t lg__clock_cpu(void);

// The same of another thread, which lives.
int64_t lg__clock_cpu_of(pthread_t thread);

#endif // LG_OS_CLOCK_H
