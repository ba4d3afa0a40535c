// SPDX-License-Identifier: MIT
#include "os/ctx.h"

#include <pthread.h>
#include <string.h>

// In ctx_*.S: calls the entry that ctx_make left in a register and never
// returns.
void lg__ctx_trampoline(void);

// What lg__ctx_jump() pops, lowest address first. The assembly knows it.
#if defined(__x86_64__)
struct saved {
    uint32_t mxcsr;
    uint16_t x87_control;
    uint16_t unused;
    void *r15;
    void *r14;
    void *r13;
    void *r12;
    void *rbx;
    void *rbp;
    void *rip;
    void *end_of_stack; // zero where a return address would be: debuggers stop
};

static void fill(struct saved *saved, ctx_entry *entry)
{
    saved->mxcsr = 0x1f80; // round to nearest, all exceptions masked
    saved->x87_control = 0x037f;
    memcpy(&saved->r12, &entry, sizeof entry);
    void (*trampoline)(void) = lg__ctx_trampoline;
    memcpy(&saved->rip, &trampoline, sizeof trampoline);
}
#elif defined(__aarch64__)
struct saved {
    uint64_t fpcr;
    uint64_t unused;
    double d8_d15[8];
    void *x19_x28[10];
    void *x29;
    void *x30;
};

static void fill(struct saved *saved, ctx_entry *entry)
{
    memcpy(&saved->x19_x28[0], &entry, sizeof entry);
    void (*trampoline)(void) = lg__ctx_trampoline;
    memcpy(&saved->x30, &trampoline, sizeof trampoline);
}
#else
#error "lagoon switches contexts on x86-64 and arm64 only"
#endif

void lg__ctx_make(struct ctx *out, void *low, void *top, ctx_entry *entry)
{
    uintptr_t aligned = (uintptr_t)top & ~(uintptr_t)15;
    // 16 bytes of headroom keep the frame that the trampoline makes inside,
    // and leave the stack pointer aligned as after a call.
    struct saved *saved = (struct saved *)(aligned - 16 - sizeof *saved);
    memset(saved, 0, sizeof *saved);
    fill(saved, entry);
    out->sp = saved;
    (void)low;
#ifdef LG_ASAN
    out->low = low;
    out->size_bytes = aligned - (uintptr_t)low;
    out->fake_stack = NULL;
#endif
#ifdef LG_TSAN
    out->fiber = __tsan_create_fiber(0);
#endif
}

void lg__ctx_of_thread(struct ctx *out)
{
    memset(out, 0, sizeof *out);
#ifdef LG_ASAN
    pthread_attr_t attr;
    void *low = NULL;
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstack(&attr, &low, &out->size_bytes);
    pthread_attr_destroy(&attr);
    out->low = low;
#endif
#ifdef LG_TSAN
    out->fiber = __tsan_get_current_fiber();
#endif
}

void lg__ctx_free(struct ctx *ctx)
{
#ifdef LG_TSAN
    if (ctx->fiber) {
        __tsan_destroy_fiber(ctx->fiber);
        ctx->fiber = NULL;
    }
#endif
#ifdef LG_ASAN
    // What is left of it: frames that will not return, and so never unmark
    // what they have around their variables.
    __asan_unpoison_memory_region(
        ctx->sp, (size_t)((const char *)ctx->low + ctx->size_bytes - (char *)ctx->sp));
#endif
    (void)ctx;
}
