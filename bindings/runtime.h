// SPDX-License-Identifier: MIT
//
// What lagoon.runtime tells of the Ps, and lagoon.run() for hosts.
#ifndef LAGOON_RUNTIME_H
#define LAGOON_RUNTIME_H

#include <lua.h>

struct script;

// Adds the functions to the table on top.
void lagoon__open_runtime(lua_State *L, struct script *s);

#endif // LAGOON_RUNTIME_H
