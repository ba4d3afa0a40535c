// SPDX-License-Identifier: MIT
//
// Faults: a handler for SIGSEGV and SIGBUS that asks whether the address lies
// in the guard of a stack, so that an overflow can be told in words. Installed
// only when the host allows signals; runs on a stack of its own.
#ifndef LG_OS_FAULT_H
#define LG_OS_FAULT_H

#include "base/base.h"

// Called in the handler with the faulting address. Returning hands the signal
// to whoever handled it before us.
typedef void fault_hook(void *addr);

// Installs the handler for the process, once; later calls change nothing.
void lg__fault_install(fault_hook *hook);

// Gives the calling thread an alternate signal stack; returns it, for
// lg__fault_thread_fini(). NULL if there is no memory for it.
void *lg__fault_thread_init(void);
void lg__fault_thread_fini(void *altstack);

#endif // LG_OS_FAULT_H
