// SPDX-License-Identifier: MIT
#ifndef LAGOON_MEMORY_H
#define LAGOON_MEMORY_H

#include <lua.h>

struct script;

// Adds gc(), gc_percent() and mem_limit() to the table on top.
void lagoon__open_memory(lua_State *L, struct script *s);

#endif // LAGOON_MEMORY_H
