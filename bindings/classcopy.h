// SPDX-License-Identifier: MIT
//
// How a class gets to a state that has none of that name (class.h).
#ifndef LAGOON_CLASSCOPY_H
#define LAGOON_CLASSCOPY_H

#include <lua.h>

#include "share.h"

struct script;

// Finds out how the class at an absolute index, whose userdata is on top, is to travel,
// if that is not known. May run code and wait. Raises.
void lagoon__class_prepare(lua_State *L, struct script *s, int index);

// Has this state get a class: its name has a metatable then. May run code and wait.
// Raises.
void lagoon__class_receive(lua_State *L, struct script *s, struct shared *shared);

#endif // LAGOON_CLASSCOPY_H
