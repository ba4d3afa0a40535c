// SPDX-License-Identifier: MIT
//
// OS threads. They only enter the scheduler, which runs on stacks of its own,
// so their own stacks are small.
#ifndef LG_OS_THREAD_H
#define LG_OS_THREAD_H

#include <pthread.h>
#include <stdbool.h>

struct thread {
    pthread_t handle;
};

// Starts main(arg) on a new thread. It takes the signals that its creator takes,
// or only those that arrive where they are caused. LG_OK or LG_ETHREAD.
int lg__thread_start(void (*main)(void *arg), void *arg, const char *name,
                     bool takes_signals, struct thread *out);

void lg__thread_join(struct thread thread);

#endif // LG_OS_THREAD_H
