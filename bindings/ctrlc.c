// SPDX-License-Identifier: MIT
//
// The handler may do next to nothing, so it wakes a thread, which cancels.
#include "ctrlc.h"

#include <lagoon.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "listener.h"
#include "state.h"

enum { STATUS_INTERRUPTED = 130 }; // as a shell tells it of a process that SIGINT ended

// A signal belongs to the process, so this does, too.
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
    lagoon__listener_ring(RING_INTERRUPT);
}

static void interrupt(void)
{
    pthread_mutex_lock(&lock);
    if (script != NULL) {
        // release: pairs with the acquire of who is told that it is cancelled
        atomic_store_explicit(&script->is_interrupted, true, memory_order_release);
        lg_cancel(script->main_ref);
    }
    pthread_mutex_unlock(&lock);
}

void lagoon__ctrlc_start(struct script *s)
{
    struct sigaction old;
    if (sigaction(SIGINT, NULL, &old) != 0 || old.sa_handler != SIG_DFL ||
        !lagoon__listener_start(RING_INTERRUPT, interrupt)) {
        return;
    }
    script = s;
    is_listening = true;
    lagoon__set_handler(SIGINT, on_sigint);
}

void lagoon__ctrlc_stop(void)
{
    if (!is_listening) {
        return;
    }
    lagoon__set_handler(SIGINT, SIG_DFL);
    pthread_mutex_lock(&lock);
    script = NULL;
    pthread_mutex_unlock(&lock);
}
