// SPDX-License-Identifier: MIT
#ifndef LAGOON_SELECT_H
#define LAGOON_SELECT_H

#include <lua.h>

struct script;

// Adds select() and sending() to the table on top.
void lagoon__open_select(lua_State *L, struct script *s);

// Frees what selects keep for reuse.
void lagoon__select_fini(struct script *s);

#endif // LAGOON_SELECT_H
