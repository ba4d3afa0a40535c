// SPDX-License-Identifier: MIT
//
// Suspending a thread where it is: a signal whose handler asks a hook, which may
// keep the thread in there as long as it likes. Only when the host allows
// signals; the handler runs on a stack of its own.
//
// Code says that it must not be kept with lg__nostop_enter() and leave; locks do
// (os/lock.h). Functions that touch more than one word and cannot afford even that
// are marked LG_NOSTOP: they stand together in a section, and call nothing.
#ifndef LG_OS_SUSPEND_H
#define LG_OS_SUSPEND_H

#include <pthread.h>

#include "base/base.h"

#define LG_NOSTOP __attribute__((section("lg_nostop"), noinline))

// ---------------------------------------------------------------------------
// What must not be suspended
// ---------------------------------------------------------------------------

// What the calling thread is in. As with os/tls.h no compiler may keep its address
// across a switch. A lock only stores a byte of its rank, of which a thread holds
// one at most: counting would be a chain of additions through memory, 1 ns a lock.
struct nostop {
    alignas(8) uint8_t ranks[32]; // 1: it holds, or waits for, a lock of that rank
    uint64_t depth;               // of lg__nostop_enter()
    bool is_waiting;              // for a lock whose holder may be suspended
};

// The clobbers keep what is between entering and leaving there.
#if defined(__x86_64__) && defined(__ELF__)
#ifdef __OPTIMIZE__
#define NOSTOP_RANK_AT "%c1(%0)" // ranks are constants where a lock is taken
#define NOSTOP_RANK "i"
#else
#define NOSTOP_RANK_AT "(%0,%1)"
#define NOSTOP_RANK "r"
#endif

LG_INLINE void lg__nostop_lock(uintptr_t rank)
{
    void *at;
    __asm__ volatile("movq lg__nostop@gottpoff(%%rip), %0\n\t"
                     "movb $1, %%fs:" NOSTOP_RANK_AT
                     : "=&r"(at)
                     : NOSTOP_RANK(rank)
                     : "memory");
}

LG_INLINE void lg__nostop_unlock(uintptr_t rank)
{
    void *at;
    __asm__ volatile("movq lg__nostop@gottpoff(%%rip), %0\n\t"
                     "movb $0, %%fs:" NOSTOP_RANK_AT
                     : "=&r"(at)
                     : NOSTOP_RANK(rank)
                     : "memory");
}

#undef NOSTOP_RANK_AT
#undef NOSTOP_RANK

// The same for anything else; may be nested.
LG_INLINE void lg__nostop_enter(void)
{
    void *at;
    __asm__ volatile("movq lg__nostop@gottpoff(%%rip), %0\n\t"
                     "addq $1, %%fs:%c1(%0)"
                     : "=&r"(at)
                     : "i"(offsetof(struct nostop, depth))
                     : "memory", "cc");
}

LG_INLINE void lg__nostop_leave(void)
{
    void *at;
    __asm__ volatile("movq lg__nostop@gottpoff(%%rip), %0\n\t"
                     "subq $1, %%fs:%c1(%0)"
                     : "=&r"(at)
                     : "i"(offsetof(struct nostop, depth))
                     : "memory", "cc");
}
#else
void lg__nostop_lock(uintptr_t rank);
void lg__nostop_unlock(uintptr_t rank);
void lg__nostop_enter(void);
void lg__nostop_leave(void);
#endif

// Whether the calling thread is outside of all that.
bool lg__nostop_is_clear(void);

// Whether it waits for a lock (os/lock.c).
void lg__nostop_set_waiting(bool is_waiting);
bool lg__nostop_is_waiting(void);

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
