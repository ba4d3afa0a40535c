// SPDX-License-Identifier: MIT
#ifndef LAGOON_HEAP_H
#define LAGOON_HEAP_H

#include <lua.h>

struct script;

// Adds heap_dump() to the table on top.
void lagoon__open_heap(lua_State *L, struct script *s);

#endif // LAGOON_HEAP_H
