// SPDX-License-Identifier: MIT
//
// What Ps do, as tables: for pictures of a program that runs.
#ifndef LAGOON_PINFO_H
#define LAGOON_PINFO_H

#include <lua.h>

struct script;

// Adds ps() to the table on top.
void lagoon__open_pinfo(lua_State *L, struct script *s);

#endif // LAGOON_PINFO_H
