// SPDX-License-Identifier: MIT
#ifndef LAGOON_STATS_H
#define LAGOON_STATS_H

#include <lua.h>

struct script;

// Adds stats() to the table on top.
void lagoon__open_stats(lua_State *L, struct script *s);

#endif // LAGOON_STATS_H
