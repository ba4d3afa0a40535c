// SPDX-License-Identifier: MIT
//
// The system's monotonic clock.
#ifndef LG_OS_CLOCK_H
#define LG_OS_CLOCK_H

#include <stdint.h>

// Nanoseconds since some moment before the process started.
int64_t lg__clock_now(void);

#endif // LG_OS_CLOCK_H
