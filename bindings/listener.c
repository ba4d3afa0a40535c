// SPDX-License-Identifier: MIT
#include "listener.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

// Signals belong to the process, so this does, too.
static sem_t bell;
static _Atomic uint32_t rung;       // a bit per ring
static void (*heeds[NRINGS])(void); // set before the first ring of each
static bool is_started;             // by the thread that starts and stops the program

static void *listen(void *arg)
{
    (void)arg;
    for (;;) {
        if (sem_wait(&bell) != 0) {
            continue;
        }
        // acquire: pairs with the release in lagoon__listener_ring(); what the handler noted,
        // and its heed, are there
        uint32_t rings = atomic_exchange_explicit(&rung, 0, memory_order_acquire);
        for (int i = 0; i < NRINGS; i++) {
            if (rings & UINT32_C(1) << i) {
                heeds[i]();
            }
        }
    }
    return NULL;
}

bool lagoon__start_thread(void *(*fn)(void *arg), void *arg)
{
    sigset_t all;
    sigset_t old;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool is_started_now = pthread_create(&thread, NULL, fn, arg) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return is_started_now && pthread_detach(thread) == 0;
}

bool lagoon__listener_start(enum ring ring, void (*heed)(void))
{
    heeds[ring] = heed;
    is_started =
        is_started || (sem_init(&bell, 0, 0) == 0 && lagoon__start_thread(listen, NULL));
    return is_started;
}

void lagoon__listener_ring(enum ring ring)
{
    // release: pairs with the acquire in listen()
    atomic_fetch_or_explicit(&rung, UINT32_C(1) << ring, memory_order_release);
    sem_post(&bell);
}

void lagoon__set_handler(int signo, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(signo, &action, NULL);
}
