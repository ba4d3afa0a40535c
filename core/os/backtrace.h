// SPDX-License-Identifier: MIT
//
// The calls that a thread is in.
#ifndef LG_OS_BACKTRACE_H
#define LG_OS_BACKTRACE_H

#include <stddef.h>

enum { BACKTRACE_MAX = 32 };

// Loads what is needed, once: after that a signal handler may ask.
void lg__backtrace_init(void);

// The return addresses of the calling thread, innermost first; in a signal handler the
// handler's own come before. Returns how many.
int lg__backtrace(void *pcs[BACKTRACE_MAX]);

// Writes what stands at an address: "name+0x1f (libx.so)", or less if there is no name.
void lg__backtrace_describe(const void *pc, char *out, size_t size);

#endif // LG_OS_BACKTRACE_H
