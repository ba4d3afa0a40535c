// SPDX-License-Identifier: MIT
#include "os/clock.h"

#include <time.h>

int64_t lg__clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
