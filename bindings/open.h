// SPDX-License-Identifier: MIT
//
// How a Lua state gets lagoon: what lagoon_lua.h does not tell.
#ifndef LAGOON_OPEN_H
#define LAGOON_OPEN_H

#include <lagoon.h>
#include <lua.h>

#include "lagoon_lua.h"

struct script;

// What our own modules require.
LG_API int luaopen_lagoon_core(lua_State *L);

// Pushes the chunk of one of our modules, in an environment of theirs: a script may set
// `type` or `table` as it likes, they have what came with Lua. Raises.
void lagoon__load_module(lua_State *L, struct script *s, const char *name);

// For a worker: the libraries and modules of a state of ours. Raises.
void lagoon__open_worker(lua_State *L, struct script *s);

// For the program: opens lagoon on a runtime, and pushes the main function of
// program.lua. Raises.
struct script *lagoon__open_program(lua_State *L, lg_runtime *rt);

#endif // LAGOON_OPEN_H
