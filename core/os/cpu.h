// SPDX-License-Identifier: MIT
//
// The processor: how many there are, and how to wait politely on one.
#ifndef LG_OS_CPU_H
#define LG_OS_CPU_H

#include "base/base.h"

// CPUs that this process may run on; at least 1.
int lg__cpu_count(void);

// One step of a busy wait.
LG_INLINE void lg__cpu_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory"); // yield is a no-op on most cores
#endif
}

#endif // LG_OS_CPU_H
