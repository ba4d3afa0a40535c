// SPDX-License-Identifier: MIT
//
// Suspending a thread where it is: a signal whose handler asks a hook, which may
// keep the thread in there as long as it likes. Only when the host allows
// signals; the handler runs on a stack of its own.
//
// Code says that it must not be kept with lg__nostop_enter() and leave, which
// every lock does; functions that touch more than one word and cannot afford
// even that are marked LG_NOSTOP: they stand together in a section, and call
// nothing.
#ifndef LG_OS_SUSPEND_H
#define LG_OS_SUSPEND_H

#include <pthread.h>

#include "base/base.h"

#define LG_NOSTOP __attribute__((section("lg_nostop"), noinline))

// ---------------------------------------------------------------------------
// What must not be suspended
// ---------------------------------------------------------------------------

// How deep the calling thread is in code of that kind. As with os/tls.h no
// compiler may keep its address across a switch. The clobber keeps what is
// between enter and leave there.
#if defined(__x86_64__) && defined(__ELF__)
LG_INLINE void lg__nostop_enter(void)
{
    void *at;
    __asm__ volatile("movq lg__nostop_depth@gottpoff(%%rip), %0\n\t"
                     "addl $1, %%fs:(%0)"
                     : "=r"(at)
                     :
                     : "memory", "cc");
}

LG_INLINE void lg__nostop_leave(void)
{
    void *at;
    __asm__ volatile("movq lg__nostop_depth@gottpoff(%%rip), %0\n\t"
                     "subl $1, %%fs:(%0)"
                     : "=r"(at)
                     :
                     : "memory", "cc");
}
#else
void lg__nostop_enter(void);
void lg__nostop_leave(void);
#endif

// Whether the calling thread is outside of all that.
bool lg__nostop_is_clear(void);

// Whether a function marked LG_NOSTOP has an instruction there.
bool lg__nostop_has(const void *pc);

// ---------------------------------------------------------------------------
// The signal
// ---------------------------------------------------------------------------

// Where a thread was interrupted. Valid until its hook returns.
struct interruption {
    const void *pc;
    const void *sp; // below it lies no word that the thread may still read
    const void *context;
};

// Called in the handler, on the interrupted thread. May do what a handler may.
typedef void suspend_hook(const struct interruption *at);

// Installs the handler for the process, once; later calls change nothing. A
// handler that was there before is called too: the host may use the signal.
void lg__suspend_install(suspend_hook *hook);

// What a thread let happen to itself, and how it was before.
struct suspendable {
    bool is_able;
    bool was_blocked;
};

// Lets the calling thread be interrupted if it has an alternate stack
// (os/fault.h), and takes it back.
void lg__suspend_thread_init(struct suspendable *out);
void lg__suspend_thread_fini(const struct suspendable *thread);

// Interrupts a thread, soon.
void lg__suspend_ask(pthread_t thread);

// Visits the registers of an interrupted thread, as words of memory.
void lg__interruption_visit(const struct interruption *at,
                            void (*visit)(void *ud, const void *lo, const void *hi),
                            void *ud);

#endif // LG_OS_SUSPEND_H
