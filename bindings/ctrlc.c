// SPDX-License-Identifier: MIT
//
// The handler may do next to nothing, so it wakes a thread, which cancels.
#include "ctrlc.h"

#include <lagoon.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "state.h"

enum { STATUS_INTERRUPTED = 130 }; // as a shell tells it of a process that SIGINT ended

// A signal belongs to the process, so this does, too.
static sem_t is_pressed;
static _Atomic bool was_pressed;
static bool is_listening;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct script *script; // under the lock; NULL: goroutine 1 has ended

static void on_sigint(int signo)
{
    (void)signo;
    // relaxed: of two at once each sees that one of them is the second
    if (atomic_exchange_explicit(&was_pressed, true, memory_order_relaxed)) {
        _exit(STATUS_INTERRUPTED);
    }
    sem_post(&is_pressed);
}

static void *listen(void *arg)
{
    (void)arg;
    for (;;) {
        if (sem_wait(&is_pressed) != 0) {
            continue;
        }
        pthread_mutex_lock(&lock);
        if (script != NULL) {
            // release: pairs with the acquire of who is told that it is cancelled
            atomic_store_explicit(&script->is_interrupted, true, memory_order_release);
            lg_cancel(script->main_ref);
        }
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static bool start_thread(void)
{
    sigset_t all;
    sigset_t old;
    pthread_t thread;
    sigfillset(&all);
    if (sem_init(&is_pressed, 0, 0) != 0) {
        return false;
    }
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool is_started = pthread_create(&thread, NULL, listen, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return is_started && pthread_detach(thread) == 0;
}

// Handlers run on a stack of their own: goroutines' are too small for them.
static void set_action(void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

void lagoon__ctrlc_start(struct script *s)
{
    struct sigaction old;
    if (sigaction(SIGINT, NULL, &old) != 0 || old.sa_handler != SIG_DFL ||
        !start_thread()) {
        return;
    }
    script = s;
    is_listening = true;
    set_action(on_sigint);
}

void lagoon__ctrlc_stop(void)
{
    if (!is_listening) {
        return;
    }
    set_action(SIG_DFL);
    pthread_mutex_lock(&lock);
    script = NULL;
    pthread_mutex_unlock(&lock);
}
