// SPDX-License-Identifier: MIT
#include "os/thread.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"
#include "lagoon.h"

enum { THREAD_STACK_BYTES = 256 * 1024 };

struct start {
    void (*main)(void *arg);
    void *arg;
};

static void *thread_main(void *arg)
{
    struct start start = *(struct start *)arg;
    free(arg);
    start.main(start.arg);
    return NULL;
}

// Signals belong to the host's own threads; what a thread causes by itself, a
// fault or a write to a broken pipe, still arrives where it happens.
static void caused_only(sigset_t *out)
{
    static const int caused[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                 SIGPIPE, SIGTRAP, SIGSYS, SIGABRT};
    sigfillset(out);
    for (size_t i = 0; i < sizeof caused / sizeof caused[0]; i++) {
        sigdelset(out, caused[i]);
    }
}

void lg__thread_mask(sigset_t *out)
{
    pthread_sigmask(SIG_SETMASK, NULL, out);
}

int lg__thread_start(void (*main)(void *arg), void *arg, const char *name,
                     const sigset_t *mask, struct thread *out)
{
    struct start *start = malloc(sizeof *start);
    if (!start) {
        return LG_ENOMEM;
    }
    *start = (struct start){.main = main, .arg = arg};

    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
    sigset_t none;
    if (!mask) {
        caused_only(&none);
        mask = &none;
    }
    sigset_t old;
    pthread_sigmask(SIG_SETMASK, mask, &old);
    pthread_t handle;
    int failed = pthread_create(&handle, &attr, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    if (failed) {
        free(start);
        return LG_ETHREAD;
    }
    pthread_setname_np(handle, name);
    out->handle = handle;
    return LG_OK;
}

void lg__thread_keep_signals_off(sigset_t *old)
{
    sigset_t none;
    caused_only(&none);
    pthread_sigmask(SIG_SETMASK, &none, old);
}

void lg__thread_set_mask(const sigset_t *mask)
{
    pthread_sigmask(SIG_SETMASK, mask, NULL);
}

void lg__thread_stand_back(void)
{
    enum { A_TENTH = 10 }; // of what another one gets
    // Of a thread, on Linux. If it is refused it runs as the others do.
    id_t self = (id_t)syscall(SYS_gettid);
    if (getpriority(PRIO_PROCESS, self) < A_TENTH) { // else they stand back, too
        setpriority(PRIO_PROCESS, self, A_TENTH);
    }
}

bool lg__thread_barrier_all(void)
{
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0) {
        return true;
    }
    // The process has to say once that it wants this.
    return errno == EPERM &&
           syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) ==
               0 &&
           syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void lg__thread_join(struct thread thread)
{
    pthread_join(thread.handle, NULL);
}
