// SPDX-License-Identifier: MIT
//
// The handler may do next to nothing, so it wakes a thread, which finishes and then lets the
// signal do what it does. The thread is none of the listener's: it may take its time.
#include "sigterm.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include "listener.h"

// A signal belongs to the process, so this does, too.
static sem_t has_come;
static void (*at_end)(void);
static pid_t owner;

// The thread is not there in a process that was forked from this one.
static void on_sigterm(int signo)
{
    if (getpid() == owner) {
        sem_post(&has_come);
    } else {
        signal(signo, SIG_DFL);
        raise(signo); // comes when this returns
    }
}

static void *listen(void *arg)
{
    sigset_t sigterm;
    while (sem_wait(&has_come) != 0) {
    }
    at_end();
    lagoon__set_handler(SIGTERM, SIG_DFL);
    sigemptyset(&sigterm);
    sigaddset(&sigterm, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &sigterm, NULL);
    raise(SIGTERM);
    return arg;
}

void lagoon__sigterm_start(void (*finish)(void))
{
    struct sigaction old;
    at_end = finish;
    owner = getpid();
    if (sigaction(SIGTERM, NULL, &old) == 0 && old.sa_handler == SIG_DFL &&
        sem_init(&has_come, 0, 0) == 0 && lagoon__start_thread(listen, NULL)) {
        lagoon__set_handler(SIGTERM, on_sigterm);
    }
}
