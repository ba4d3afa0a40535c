// SPDX-License-Identifier: MIT
//
// The parser of lagoon.http, as functions for its Lua half.
#ifndef LAGOON_HTTP_H
#define LAGOON_HTTP_H

#include <lua.h>

struct script;

// Adds the functions to the table on top.
void lagoon__open_http(lua_State *L, struct script *s);

#endif // LAGOON_HTTP_H
