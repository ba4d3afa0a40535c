// SPDX-License-Identifier: MIT
//
// Signals to the program that ask what its goroutines do: SIGQUIT, which ends it, as Go's
// runtime does, and SIGUSR1, after which it goes on. One that the program was started with
// ignored stays so, and lagoon.signal takes them away from us.
#ifndef LAGOON_DUMPSIGNAL_H
#define LAGOON_DUMPSIGNAL_H

#include <stdatomic.h>
#include <stdbool.h>

struct script;

// The very first: from here on SIGUSR1 ends nothing, and a dump that it asks for comes as soon as
// somebody listens. What programs that we start do about it is as ever.
void lagoon__dumpsignal_begin(void);

// Listens. Whoever sets *is_leaving ends the process, and nobody else does.
void lagoon__dumpsignal_start(struct script *s, _Atomic bool *is_leaving);

// Goroutine 1 has ended: a dump that is being made is cut short. From here on SIGQUIT does
// what it does without us, and SIGUSR1 nothing.
void lagoon__dumpsignal_stop(void);

#endif // LAGOON_DUMPSIGNAL_H
