// SPDX-License-Identifier: MIT
//
// The registers that a function must give back as it found them: what its callers keep
// in them is nowhere else, until something further down saves them.
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

// Copies them. In the function whose callers' registers are wanted, first.
LG_INLINE void lg__registers_save(struct registers *out)
{
#if defined(__x86_64__)
    __asm__ volatile("movq %%rbx, (%0)\n\t"
                     "movq %%rbp, 8(%0)\n\t"
                     "movq %%r12, 16(%0)\n\t"
                     "movq %%r13, 24(%0)\n\t"
                     "movq %%r14, 32(%0)\n\t"
                     "movq %%r15, 40(%0)"
                     :
                     : "r"(out->words)
                     : "memory");
#elif defined(__aarch64__)
    __asm__ volatile("stp x19, x20, [%0]\n\t"
                     "stp x21, x22, [%0, #16]\n\t"
                     "stp x23, x24, [%0, #32]\n\t"
                     "stp x25, x26, [%0, #48]\n\t"
                     "stp x27, x28, [%0, #64]\n\t"
                     "str x29, [%0, #80]"
                     :
                     : "r"(out->words)
                     : "memory");
#endif
}

#endif // LG_OS_REGISTERS_H
