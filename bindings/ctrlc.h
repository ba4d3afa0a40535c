// SPDX-License-Identifier: MIT
//
// Ctrl-C in the program: the first one raises "interrupted" in goroutine 1, wherever it
// is, as a cancellation would; a second one ends the process. Who starts the program
// with SIGINT ignored, a shell in the background say, wants neither.
#ifndef LAGOON_CTRLC_H
#define LAGOON_CTRLC_H

struct script;

// Listens for goroutine 1 of a script. One at a time in a process. Without a thread to
// be had, Ctrl-C ends the process as ever.
void lagoon__ctrlc_start(struct script *s);

// Goroutine 1 has ended: from here on the first one ends the process.
void lagoon__ctrlc_stop(void);

#endif // LAGOON_CTRLC_H
