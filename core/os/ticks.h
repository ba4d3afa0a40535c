// SPDX-License-Identifier: MIT
//
// A clock for those who ask very often: a counter of the processor where the kernel itself
// takes the time from it (it runs at one rate, and is the same on all processors), else
// the system's clock. Its unit is found out by comparing it with that.
#ifndef LG_OS_TICKS_H
#define LG_OS_TICKS_H

#include "base/base.h"
#include "os/clock.h"

enum tick_source {
    TICKS_CLOCK, // nanoseconds
    TICKS_CPU,
};

// Which one there is. Reads a file of the kernel's.
enum tick_source lg__tick_source(void);

LG_INLINE uint64_t lg__ticks(enum tick_source source)
{
    if (source == TICKS_CPU) {
#if defined(__x86_64__)
        return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
        uint64_t ticks;
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
        return ticks;
#endif
    }
    return (uint64_t)lg__clock_now();
}

#endif // LG_OS_TICKS_H
