// SPDX-License-Identifier: MIT
//
// What channels there are, for people.
#ifndef LAGOON_CHANLIST_H
#define LAGOON_CHANLIST_H

#include <lua.h>

struct script;

void lagoon__open_chanlist(lua_State *L, struct script *s);

#endif // LAGOON_CHANLIST_H
