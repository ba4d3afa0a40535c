// SPDX-License-Identifier: MIT
//
// Goroutines that nothing can wake any more.
#ifndef LAGOON_LEAKS_H
#define LAGOON_LEAKS_H

#include <lua.h>

struct script;

// Adds leaks() to the table on top.
void lagoon__open_leaks(lua_State *L, struct script *s);

#endif // LAGOON_LEAKS_H
