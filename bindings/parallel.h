// SPDX-License-Identifier: MIT
#ifndef LAGOON_PARALLEL_H
#define LAGOON_PARALLEL_H

#include <lua.h>

struct script;

// Adds parallel() to the table on top.
void lagoon__open_parallel(lua_State *L, struct script *s);

#endif // LAGOON_PARALLEL_H
