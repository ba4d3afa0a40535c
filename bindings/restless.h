// SPDX-License-Identifier: MIT
//
// Whether the process is at work: for who waits for an answer that cannot come while a thread
// sleeps in a system call, and is late while it waits for a CPU.
#ifndef LAGOON_RESTLESS_H
#define LAGOON_RESTLESS_H

#include <stdbool.h>

// Whether another thread of this process runs, or would if it had a CPU. True, if the system
// does not tell.
bool lagoon__is_restless(void);

#endif // LAGOON_RESTLESS_H
