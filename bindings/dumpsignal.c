// SPDX-License-Identifier: MIT
#include "dumpsignal.h"

#include <lagoon.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dumpall.h"
#include "listener.h"
#include "writeall.h"

enum { STATUS_QUIT = 2 }; // as of Go's

// Signals belong to the process, so this does, too.
static _Atomic bool must_quit; // SIGQUIT has come
static _Atomic bool must_hurry;
static bool is_listening[2]; // for each signal of `ours`
static const int ours[] = {SIGQUIT, SIGUSR1};
static _Atomic bool is_asked_early; // for a dump, before there is anything to tell
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// -- lock --
static struct script *script; // NULL: goroutine 1 has ended
static _Atomic bool *leaving; // the program's

static void on_signal(int signo)
{
    // relaxed: of two SIGQUITs each sees that one is the second; goes with the ring
    if (signo == SIGQUIT &&
        atomic_exchange_explicit(&must_quit, true, memory_order_relaxed)) {
        _exit(STATUS_QUIT);
    }
    lagoon__listener_ring(RING_DUMP);
}

static void note_early(int signo)
{
    (void)signo;
    // relaxed: the handler that comes next was set after it, by the thread that then looks
    atomic_store_explicit(&is_asked_early, true, memory_order_relaxed);
}

// To the descriptor: a goroutine may hold the stream.
static void write_text(const char *text)
{
    (void)lagoon__write_all(STDERR_FILENO, text, strlen(text));
}

static void dump_locked(const char *title)
{
    write_text(title);
    char *text = lagoon__dump_all(script, &must_hurry);
    write_text(text ? text : "there is no memory to tell what the goroutines do\n");
    free(text);
}

// What traces and terminals are left as is seen to by exit().
static void quit(void)
{
    // acq_rel: as of the others that leave
    if (atomic_exchange_explicit(leaving, true, memory_order_acq_rel)) {
        return;
    }
    exit(STATUS_QUIT);
}

// On a thread of its own: the listener has Ctrl-C to hear meanwhile.
static void *make_dump(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    // relaxed: goes with the ring
    bool is_quit = atomic_load_explicit(&must_quit, memory_order_relaxed);
    bool is_ours = script != NULL;
    if (is_ours) {
        dump_locked(is_quit ? "SIGQUIT: quit\n\n" : "SIGUSR1: goroutines\n\n");
    }
    pthread_mutex_unlock(&lock);
    if (is_ours && is_quit) {
        quit();
    }
    return NULL;
}

static void heed(void)
{
    if (!lagoon__start_thread(make_dump, NULL)) {
        make_dump(NULL);
    }
}

// Not ignored by who has started us, which children would inherit; a handler they do not.
static bool is_free(int signo)
{
    struct sigaction old;
    return sigaction(signo, NULL, &old) == 0 &&
           (old.sa_handler == SIG_DFL || old.sa_handler == note_early);
}

void lagoon__dumpsignal_begin(void)
{
    if (is_free(SIGUSR1)) {
        lagoon__set_handler(SIGUSR1, note_early);
    }
}

void lagoon__dumpsignal_start(struct script *s, _Atomic bool *is_leaving)
{
    script = s;
    leaving = is_leaving;
    for (int i = 0; i < 2; i++) {
        is_listening[i] = is_free(ours[i]) && lagoon__listener_start(RING_DUMP, heed);
        if (is_listening[i]) {
            lagoon__set_handler(ours[i], on_signal);
        }
    }
    // relaxed: see note_early()
    if (is_listening[1] && atomic_load_explicit(&is_asked_early, memory_order_relaxed)) {
        lagoon__listener_ring(RING_DUMP);
    }
}

void lagoon__dumpsignal_stop(void)
{
    if (is_listening[0]) {
        lagoon__set_handler(SIGQUIT, SIG_DFL);
    }
    // relaxed: seen a round later it does as well
    atomic_store_explicit(&must_hurry, true, memory_order_relaxed);
    pthread_mutex_lock(&lock);
    script = NULL;
    pthread_mutex_unlock(&lock);
}
