// SPDX-License-Identifier: MIT
//
// blocking(f, ...): calls that block their thread, in states of their own (aside.h).
#ifndef LAGOON_BLOCKING_H
#define LAGOON_BLOCKING_H

#include <lua.h>

struct script;

// Adds blocking() and blocking_limit() to the table on top.
void lagoon__open_blocking(lua_State *L, struct script *s);

#endif // LAGOON_BLOCKING_H
