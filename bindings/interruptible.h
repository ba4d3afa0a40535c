// SPDX-License-Identifier: MIT
//
// Whether the Lua code of a state can be interrupted, and how.
#ifndef LAGOON_INTERRUPTIBLE_H
#define LAGOON_INTERRUPTIBLE_H

#include <lua.h>

struct luajit_door;
struct script;

// Our half inside LuaJIT; NULL: this one has none.
const struct luajit_door *lagoon__door(void);

// Finds out what holds for a state.
void lagoon__interruptible_init(struct script *s);

// Adds preemption() to the table on top.
void lagoon__open_interruptible(lua_State *L, struct script *s);

#endif // LAGOON_INTERRUPTIBLE_H
