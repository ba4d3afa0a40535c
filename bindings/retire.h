// SPDX-License-Identifier: MIT
//
// Worker states that have nothing to do: their garbage is collected, and when that
// lasts, or memory is short, they are closed.
//
// One may be taken when it is free, its strand is idle, and nothing of it is left that
// could come to life: no goroutine, no pending timer. Then nobody but the hub can give
// it work, and that under the lock.
#ifndef LAGOON_RETIRE_H
#define LAGOON_RETIRE_H

#include <lua.h>

#include "hub.h"

struct script;

// Called now and then (lg_on_tidy): collects and closes. True: there is more to come.
bool lagoon__retire_tidy(void *hub);

// Closes all that can be closed, soon: memory is short.
void lagoon__retire_all(struct hub *hub);

// Has the other states that are idle collect all their garbage, and waits for that, on
// the C stack of the calling goroutine.
void lagoon__retire_collect(lua_State *L, struct script *s);

#endif // LAGOON_RETIRE_H
