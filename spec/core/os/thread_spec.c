// SPDX-License-Identifier: MIT
#include "os/thread.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spec.h"

static id_t self(void)
{
    return (id_t)syscall(SYS_gettid);
}

// A thread ends with its priority, which nobody but root can raise again.
static void stand_back(void *arg)
{
    int *priority = arg;
    setpriority(PRIO_PROCESS, self(), *priority);
    lg__thread_stand_back();
    *priority = getpriority(PRIO_PROCESS, self());
}

it("a thread that stands back", "is no quicker than it was")
{
    enum { LEAST = 19 };
    struct thread thread;
    int priority = LEAST;
    CHECK_OK(lg__thread_start(stand_back, &priority, "spec", NULL, &thread));
    lg__thread_join(thread);
    CHECK_INT(priority, LEAST);
}
