// SPDX-License-Identifier: MIT
//
// What lagoon.reload() needs that Lua cannot do for itself: to put objects in the place of
// others wherever a state refers to them, to see who stands in old code, and to have worker
// states load anew what the first state has.
#ifndef LAGOON_RELOAD_H
#define LAGOON_RELOAD_H

#include <lua.h>
#include <stdbool.h>

struct hub;
struct script;
struct worker;

// Whether modules have been loaded anew since the worker last looked.
bool lagoon__reload_is_due(const struct worker *worker);

// Loads those anew that the worker's state has, too, in the calling goroutine. Raises.
void lagoon__reload_catch_up(lua_State *L, struct worker *worker);

// The same as a new state has it: it is behind nothing.
void lagoon__reload_begin(struct worker *worker);

// Forgets the names; nothing runs any more.
void lagoon__reload_fini(struct hub *hub);

// publish(name): has the worker states load the module anew, if they have it.
int lagoon__reload_publish(lua_State *L);

// Adds its functions to the table on top.
void lagoon__open_reload(lua_State *L, struct script *s);

#endif // LAGOON_RELOAD_H
