// SPDX-License-Identifier: MIT
//
// Requests to servers: the C half of the client of lagoon.http.
#ifndef LAGOON_FETCH_H
#define LAGOON_FETCH_H

#include <lua.h>

struct script;

// Adds the functions to the table on top.
void lagoon__open_fetch(lua_State *L, struct script *s);

#endif // LAGOON_FETCH_H
