// SPDX-License-Identifier: MIT
//
// One pointer per thread: what the runtime keeps of the thread it is on. Not a
// plain thread-local: a compiler may keep the address of one across a switch
// that changes threads, and may merge two reads of it.
#ifndef LG_OS_TLS_H
#define LG_OS_TLS_H

#include "base/base.h"

#if defined(__x86_64__) && defined(__ELF__)
// Two instructions that it cannot merge: where in the thread's block the pointer
// stands, and the pointer.
LG_INLINE void *lg__tls_get(void)
{
    void *value;
    __asm__ volatile("movq lg__tls@gottpoff(%%rip), %0\n\t"
                     "movq %%fs:(%0), %0"
                     : "=r"(value));
    return value;
}
#else
void *lg__tls_get(void);
#endif

void lg__tls_set(void *value);

#endif // LG_OS_TLS_H
