// SPDX-License-Identifier: MIT
//
// A thread of the program that does what signal handlers may not. A handler notes what it
// is about, and rings.
#ifndef LAGOON_LISTENER_H
#define LAGOON_LISTENER_H

#include <stdbool.h>

enum ring {
    RING_INTERRUPT, // Ctrl-C (ctrlc.c)
    RING_DUMP,      // a dump is wanted (dumpsignal.c)
    RING_END, // the REPL's terminal is gone, or the process is to end (ttysignals.c)
    NRINGS
};

// Has the thread call `heed` after each ring; several rings may be one. Starts the thread
// with the first. False: there is none to be had. Before handlers that ring.
bool lagoon__listener_start(enum ring ring, void (*heed)(void));

// In a signal handler.
void lagoon__listener_ring(enum ring ring);

// Installs a handler, on a stack of its own: goroutines' are too small for it.
void lagoon__set_handler(int signo, void (*handler)(int));

// Starts a thread that takes no signals, and nobody waits for.
bool lagoon__start_thread(void *(*fn)(void *arg), void *arg);

#endif // LAGOON_LISTENER_H
