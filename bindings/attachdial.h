// SPDX-License-Identifier: MIT
//
// The way of `lagoon attach` to a program, for Lua.
#ifndef LAGOON_ATTACHDIAL_H
#define LAGOON_ATTACHDIAL_H

#include <lua.h>

struct script;

// Adds attach_dial() and attach_list() to the table on top.
void lagoon__open_dial(lua_State *L, struct script *s);

#endif // LAGOON_ATTACHDIAL_H
