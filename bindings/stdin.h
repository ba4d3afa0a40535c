// SPDX-License-Identifier: MIT
//
// Standard input of the program, as a connection: the C half of scripts/lagoon/stdin.lua.
#ifndef LAGOON_STDIN_H
#define LAGOON_STDIN_H

#include <lua.h>

struct script;

// Adds the function to the table on top.
void lagoon__open_stdin(lua_State *L, struct script *s);

#endif // LAGOON_STDIN_H
