// SPDX-License-Identifier: MIT
//
// What the goroutines of a runtime do, as text and as tables.
#ifndef LAGOON_DUMP_H
#define LAGOON_DUMP_H

#include <lua.h>

struct script;

// Pushes a text with each goroutine, in the order of their numbers: wait
// reason, traceback, birthplace. May raise.
void lagoon__push_dump(lua_State *L, struct script *s);

// Adds stack() and goroutines() to the table on top.
void lagoon__open_dump(lua_State *L, struct script *s);

#endif // LAGOON_DUMP_H
