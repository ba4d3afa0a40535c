// SPDX-License-Identifier: MIT
#ifndef LAGOON_PARALLEL_H
#define LAGOON_PARALLEL_H

#include <lua.h>

struct scope;
struct script;
struct task_core;

// Pushes a task of the function at 1, called with the arguments behind it up to the top,
// in a state that is still to be found. name is for messages. Raises.
struct task_core *lagoon__parallel_new(lua_State *L, struct script *s, const char *name);

// Starts it, or raises.
void lagoon__parallel_start(lua_State *L, struct scope *scope, struct task_core *core);

// Adds parallel() to the table on top.
void lagoon__open_parallel(lua_State *L, struct script *s);

#endif // LAGOON_PARALLEL_H
