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

// One moment on both clocks.
struct tick_moment {
    uint64_t ticks;
    int64_t ns; // lg__clock_now()
};

// Now, to within what it takes to read the system's clock.
struct tick_moment lg__tick_moment(enum tick_source source);

// Nanoseconds for each tick, measured since a moment: returns when that was least_ns ago.
double lg__tick_rate(enum tick_source source, struct tick_moment since, int64_t least_ns);

#endif // LG_OS_TICKS_H
