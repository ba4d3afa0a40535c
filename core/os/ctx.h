// SPDX-License-Identifier: MIT
//
// Contexts: a place in the execution of some C stack, and the switch from one
// to another. Only what the ABI preserves across calls is saved: callee-saved
// registers and the floating-point control words. errno and every other
// thread-local belong to the thread, and a context may continue on another
// one: nothing that is derived from the current thread may be kept in a
// register across a switch (sched/m.h's accessor is not inlined for that).
//
//   high   +---------------------------+ top, 16-byte aligned
//          | entry's frames            |
//          | ...                       |
//          | return address            |
//          | rbx rbp r12-r15           |  (x19-x30 d8-d15 on arm64)
//          | mxcsr, x87 control word   |  (fpcr)
//   low    +---------------------------+ ctx.sp of a context that is not running
#ifndef LG_OS_CTX_H
#define LG_OS_CTX_H

#include "base/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define LG_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LG_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define LG_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define LG_TSAN 1
#endif

struct ctx {
    void *sp;
#ifdef LG_ASAN
    const void *low; // the stack it runs on, for the sanitizer
    size_t size_bytes;
    void *fake_stack;
#endif
#ifdef LG_TSAN
    void *fiber;
#endif
};

// Where a context starts that has never run, with what the switch carried. It
// must not return.
typedef void ctx_entry(void *carried);

// Prepares *out to start entry() on [low, top) at the next switch to it.
void lg__ctx_make(struct ctx *out, void *low, void *top, ctx_entry *entry);

// Makes *out describe the calling thread's own stack, so that it can be
// switched away from and back to.
void lg__ctx_of_thread(struct ctx *out);

// Frees what the sanitizers keep for a context that will not run again.
void lg__ctx_free(struct ctx *ctx);

// In ctx_*.S: saves registers, stores the stack pointer, loads the other one,
// and returns there what was carried.
void *lg__ctx_jump(void **save_sp, void *load_sp, void *carried);

#ifdef LG_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef LG_TSAN
#include <sanitizer/tsan_interface.h>
#endif

// Leaves the running context for another. Returns when something switches back
// to `from`, perhaps on another thread, with what that one carried (its M);
// what the switch left to be done must then be done first (sched/m.c).
LG_INLINE void *lg__ctx_switch(struct ctx *from, struct ctx *to, void *carried)
{
#ifdef LG_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->low, to->size_bytes);
#endif
#ifdef LG_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    carried = lg__ctx_jump(&from->sp, to->sp, carried);
#ifdef LG_ASAN
    __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
    return carried;
}

// Leaves the running context for ever.
_Noreturn LG_INLINE void lg__ctx_leave(struct ctx *from, struct ctx *to, void *carried)
{
#ifdef LG_ASAN
    __sanitizer_start_switch_fiber(NULL, to->low, to->size_bytes);
#endif
#ifdef LG_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    lg__ctx_jump(&from->sp, to->sp, carried);
    __builtin_unreachable();
}

// The first thing that a ctx_entry calls.
LG_INLINE void lg__ctx_entered(void)
{
#ifdef LG_ASAN
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
}

#endif // LG_OS_CTX_H
