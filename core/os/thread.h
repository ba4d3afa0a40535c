// SPDX-License-Identifier: MIT
//
// OS threads. They only enter the scheduler, which runs on stacks of its own,
// so their own stacks are small.
#ifndef LG_OS_THREAD_H
#define LG_OS_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

struct thread {
    pthread_t handle;
};

// Which signals the calling thread does not take.
void lg__thread_mask(sigset_t *out);

// Starts main(arg) on a new thread. It does not take the signals of a mask; NULL: none but
// those that arrive where they are caused. LG_OK or LG_ETHREAD.
int lg__thread_start(void (*main)(void *arg), void *arg, const char *name,
                     const sigset_t *mask, struct thread *out);

void lg__thread_join(struct thread thread);

// The calling thread makes way for the others, as nice(1) does.
void lg__thread_stand_back(void);

// Has each thread of the process pass a full memory barrier: what it did before is seen by the
// caller, what the caller did before is seen by it. So the quick side of a protocol between the two
// needs none. False: the system refuses that.
bool lg__thread_barrier_all(void);

// Keeps signals of the host's from the calling thread, and from those that a library starts
// meanwhile; and takes that back.
void lg__thread_keep_signals_off(sigset_t *old);
void lg__thread_set_mask(const sigset_t *mask);

#endif // LG_OS_THREAD_H
