// SPDX-License-Identifier: MIT
#include "os/suspend.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

// Go's choice, for Go's reasons: debuggers let it pass, libraries do not use it,
// and it may come without a reason (for out-of-band data, which nobody sends).
enum { SIGNAL = SIGURG };

// ---------------------------------------------------------------------------
// What must not be suspended
// ---------------------------------------------------------------------------

extern __thread struct nostop lg__nostop;
__thread struct nostop lg__nostop __attribute__((tls_model("initial-exec")));

#if !defined(__x86_64__) || !defined(__ELF__)
LG_NOINLINE void lg__nostop_lock(uintptr_t rank)
{
    lg__nostop.ranks[rank] = 1;
    atomic_signal_fence(memory_order_seq_cst);
}

LG_NOINLINE void lg__nostop_unlock(uintptr_t rank)
{
    atomic_signal_fence(memory_order_seq_cst);
    lg__nostop.ranks[rank] = 0;
}

LG_NOINLINE void lg__nostop_enter(void)
{
    lg__nostop.depth++;
    atomic_signal_fence(memory_order_seq_cst);
}

LG_NOINLINE void lg__nostop_leave(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    lg__nostop.depth--;
}
#endif

LG_NOINLINE bool lg__nostop_is_clear(void)
{
    static const uint8_t none[sizeof lg__nostop.ranks];
    return lg__nostop.depth == 0 &&
           memcmp(lg__nostop.ranks, none, sizeof lg__nostop.ranks) == 0;
}

LG_NOINLINE void lg__nostop_set_waiting(bool is_waiting)
{
    atomic_signal_fence(memory_order_seq_cst);
    lg__nostop.is_waiting = is_waiting;
    atomic_signal_fence(memory_order_seq_cst);
}

LG_NOINLINE bool lg__nostop_is_waiting(void)
{
    __asm__ volatile(""); // as in os/tls.c
    return lg__nostop.is_waiting;
}

// The linker's names for the ends of the section; none if it is empty.
extern const char __start_lg_nostop[] __attribute__((weak, visibility("hidden")));
extern const char __stop_lg_nostop[] __attribute__((weak, visibility("hidden")));

bool lg__nostop_has(const void *pc)
{
    return (const char *)pc >= __start_lg_nostop && (const char *)pc < __stop_lg_nostop;
}

// ---------------------------------------------------------------------------
// The signal
// ---------------------------------------------------------------------------

static suspend_hook *installed_hook;
static struct sigaction old_action;

// What a processor says about the place.
#if defined(__x86_64__)
enum { RED_ZONE_BYTES = 128 }; // below the stack pointer, for functions that call none

static void locate(const ucontext_t *context, struct interruption *out)
{
    out->pc = (const void *)context->uc_mcontext.gregs[REG_RIP];
    out->sp = (const void *)(context->uc_mcontext.gregs[REG_RSP] - RED_ZONE_BYTES);
}

// The vector registers lie where the kernel has saved them; how many bytes that
// are, it says in the part that it leaves to software (asm/sigcontext.h).
static void visit_vectors(const ucontext_t *context,
                          void (*visit)(void *ud, const void *lo, const void *hi),
                          void *ud)
{
    enum { LEGACY_BYTES = 512, SAYS_AT = 464 };
    static const uint32_t extended_magic = 0x46505853U;
    const char *saved = (const char *)context->uc_mcontext.fpregs;
    if (!saved) {
        return;
    }
    uint32_t said[2]; // a magic number, and the size
    memcpy(said, saved + SAYS_AT, sizeof said);
    uint32_t bytes = said[0] == extended_magic ? said[1] : LEGACY_BYTES;
    visit(ud, saved, saved + (bytes & ~(uint32_t)7));
}
#elif defined(__aarch64__)
static void locate(const ucontext_t *context, struct interruption *out)
{
    out->pc = (const void *)context->uc_mcontext.pc;
    out->sp = (const void *)context->uc_mcontext.sp;
}

// They are part of the record of registers.
static void visit_vectors(const ucontext_t *context,
                          void (*visit)(void *ud, const void *lo, const void *hi),
                          void *ud)
{
    (void)context;
    (void)visit;
    (void)ud;
}
#endif

static void on_signal(int signo, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    struct interruption at = {.context = context};
    locate(context, &at);
    installed_hook(&at);
    // Two signals may have become one, so the host's handler hears of each.
    if (old_action.sa_flags & SA_SIGINFO) {
        old_action.sa_sigaction(signo, info, context);
    } else if (old_action.sa_handler != SIG_DFL && old_action.sa_handler != SIG_IGN) {
        old_action.sa_handler(signo);
    }
    errno = saved_errno;
}

void lg__suspend_install(suspend_hook *hook)
{
    static _Atomic bool is_installed;
    // relaxed: only decides who installs; the kernel orders the rest
    if (atomic_exchange_explicit(&is_installed, true, memory_order_relaxed)) {
        return;
    }
    installed_hook = hook;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGNAL, NULL, &old_action); // a signal may come before it is set
    sigaction(SIGNAL, &action, NULL);
}

void lg__suspend_thread_init(struct suspendable *out)
{
    *out = (struct suspendable){.is_able = false};
    stack_t altstack;
    if (sigaltstack(NULL, &altstack) != 0 || (altstack.ss_flags & SS_DISABLE)) {
        return;
    }
    sigset_t set;
    sigset_t old;
    sigemptyset(&set);
    sigaddset(&set, SIGNAL);
    out->is_able = pthread_sigmask(SIG_UNBLOCK, &set, &old) == 0;
    out->was_blocked = out->is_able && sigismember(&old, SIGNAL) == 1;
}

void lg__suspend_thread_fini(const struct suspendable *thread)
{
    if (thread->was_blocked) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGNAL);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
    }
}

void lg__suspend_ask(pthread_t thread)
{
    pthread_kill(thread, SIGNAL);
}

void lg__interruption_visit(const struct interruption *at,
                            void (*visit)(void *ud, const void *lo, const void *hi),
                            void *ud)
{
    const ucontext_t *context = at->context;
    visit(ud, &context->uc_mcontext, &context->uc_mcontext + 1);
    visit_vectors(context, visit, ud);
}
