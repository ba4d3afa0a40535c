// SPDX-License-Identifier: MIT
//
// The registers that a function must give back as it found them: what its callers keep
// in them is nowhere else, until something further down saves them. registers_*.S has the
// one function that is called with them.
#ifndef LG_OS_REGISTERS_H
#define LG_OS_REGISTERS_H

#include "base/base.h"

struct registers {
#if defined(__x86_64__)
    void *words[6]; // rbx rbp r12-r15
#elif defined(__aarch64__)
    void *words[11]; // x19-x29
#endif
};

#endif // LG_OS_REGISTERS_H
