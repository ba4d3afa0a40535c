// SPDX-License-Identifier: MIT
//
// An error that leaves a goroutine of a worker state goes to the handler that the first
// state has (lagoon.on_error), in a goroutine of that state.
#ifndef LAGOON_FORWARD_H
#define LAGOON_FORWARD_H

#include <lua.h>
#include <stdbool.h>

struct script_g;

// Sends the error on top of `from`, which has left a goroutine of a worker, if the first
// state has a handler. False: it has none, or there is no memory.
bool lagoon__forward_error(struct script_g *sg, lua_State *from);

#endif // LAGOON_FORWARD_H
