// SPDX-License-Identifier: MIT
//
// `require` in states of ours, where a module's body may wait: another goroutine that
// requires the module meanwhile waits until it is loaded.
#ifndef LAGOON_REQUIRE_H
#define LAGOON_REQUIRE_H

#include <lua.h>

struct script;
struct script_g;

// Replaces the state's `require`.
void lagoon__guard_require(lua_State *L, struct script *s);

// Called when a goroutine's coroutine has come back to the scheduler: no load of its
// goes on. Wakes those who wait for one.
void lagoon__loads_end(struct script *s, struct script_g *sg);

// Called before a goroutine waits on its C stack, at L: the same for those of its loads
// that have come to an end.
void lagoon__loads_look(lua_State *L, struct script_g *sg);

// Called when a goroutine waits for no load any more, if it did.
void lagoon__loads_leave(struct script_g *sg);

// Frees all, with the state.
void lagoon__loads_fini(struct script *s);

#endif // LAGOON_REQUIRE_H
