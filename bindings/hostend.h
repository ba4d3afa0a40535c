// SPDX-License-Identifier: MIT
//
// The end of a runtime that was opened for a host, with its Lua state. The host does not
// wait for a task that computes on another thread, or is in a call that blocks it: a thread
// of ours waits in its place, and frees what is left when that is over. Until then, and for
// ever if it never is, these two threads and the runtime's memory stay.
#ifndef LAGOON_HOSTEND_H
#define LAGOON_HOSTEND_H

#include <lagoon.h>

struct hub;

// Stops the runtime and frees it with its hub (NULL: it has none), now or later. Nobody
// refers to the first state any more; the caller is in no goroutine.
void lagoon__hostend(lg_runtime *rt, struct hub *hub);

#endif // LAGOON_HOSTEND_H
