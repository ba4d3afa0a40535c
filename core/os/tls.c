// SPDX-License-Identifier: MIT
#include "os/tls.h"

// lg__tls_get() knows its name. NULL on threads that have set nothing.
extern __thread void *lg__tls;
__thread void *lg__tls __attribute__((tls_model("initial-exec")));

#if !defined(__x86_64__) || !defined(__ELF__)
LG_NOINLINE void *lg__tls_get(void)
{
    __asm__ volatile(""); // or gcc would find it pure and merge calls
    return lg__tls;
}
#endif

LG_NOINLINE void lg__tls_set(void *value)
{
    lg__tls = value;
}
