// SPDX-License-Identifier: MIT
#include "os/fault.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

// One frame needs 3.4 KB where AVX-512 is saved; the rest is for the report.
enum { ALTSTACK_BYTES = 64 * 1024 };

static fault_hook *installed_hook;
static struct sigaction old_segv;
static struct sigaction old_bus;

static void on_fault(int signo, siginfo_t *info, void *context)
{
    installed_hook(info->si_addr);

    // Not ours: run whoever was there before, or let the default action kill
    // the process when the instruction faults again.
    struct sigaction *old = signo == SIGBUS ? &old_bus : &old_segv;
    if (old->sa_flags & SA_SIGINFO) {
        old->sa_sigaction(signo, info, context);
    } else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
        old->sa_handler(signo);
    } else {
        sigaction(signo, old, NULL);
    }
}

void lg__fault_install(fault_hook *hook)
{
    static _Atomic bool is_installed;
    // relaxed: only decides who installs; the kernel orders the rest
    if (atomic_exchange_explicit(&is_installed, true, memory_order_relaxed)) {
        return;
    }
    installed_hook = hook;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &old_segv);
    sigaction(SIGBUS, &action, &old_bus);
}

void *lg__fault_thread_init(void)
{
    stack_t had;
    if (sigaltstack(NULL, &had) == 0 && !(had.ss_flags & SS_DISABLE)) {
        return NULL; // the host or a sanitizer has one
    }
    void *altstack = malloc(ALTSTACK_BYTES);
    if (altstack) {
        stack_t want = {.ss_sp = altstack, .ss_size = ALTSTACK_BYTES};
        sigaltstack(&want, NULL);
    }
    return altstack;
}

void lg__fault_thread_fini(void *altstack)
{
    if (altstack) {
        stack_t none = {.ss_flags = SS_DISABLE};
        sigaltstack(&none, NULL);
        free(altstack);
    }
}
