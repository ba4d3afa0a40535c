// SPDX-License-Identifier: MIT
//
// The handler may do next to nothing, so it wakes a thread, which finishes and then lets the
// signal do what it does.
#include "sigterm.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

// A signal belongs to the process, so this does, too.
static sem_t has_come;
static void (*at_end)(void);
static pid_t owner;

static void set_action(void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART | SA_ONSTACK; // goroutines' stacks are too small
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
}

// The thread is not there in a process that was forked from this one.
static void on_sigterm(int signo)
{
    if (getpid() == owner) {
        sem_post(&has_come);
    } else {
        set_action(SIG_DFL);
        raise(signo); // comes when this returns
    }
}

static void *listen(void *arg)
{
    sigset_t sigterm;
    while (sem_wait(&has_come) != 0) {
    }
    at_end();
    set_action(SIG_DFL);
    sigemptyset(&sigterm);
    sigaddset(&sigterm, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &sigterm, NULL);
    raise(SIGTERM);
    return arg;
}

static bool start_thread(void)
{
    sigset_t all;
    sigset_t old;
    pthread_t thread;
    sigfillset(&all);
    if (sem_init(&has_come, 0, 0) != 0) {
        return false;
    }
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool is_started = pthread_create(&thread, NULL, listen, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return is_started && pthread_detach(thread) == 0;
}

void lagoon__sigterm_start(void (*finish)(void))
{
    struct sigaction old;
    at_end = finish;
    owner = getpid();
    if (sigaction(SIGTERM, NULL, &old) == 0 && old.sa_handler == SIG_DFL &&
        start_thread()) {
        set_action(on_sigterm);
    }
}
