// SPDX-License-Identifier: MIT
//
// How a Lua state gets lagoon.
#ifndef LAGOON_OPEN_H
#define LAGOON_OPEN_H

#include <lagoon.h>
#include <lua.h>

struct script;

// What `require` calls in a host that finds lagoon.so.
LG_API int luaopen_lagoon(lua_State *L);
LG_API int luaopen_lagoon_core(lua_State *L);

// For hosts that link liblagoon.a: makes `require "lagoon"` work.
LG_API int lagoon_openlib(lua_State *L);

// For a worker: the libraries and modules of a state of ours. Raises.
void lagoon__open_worker(lua_State *L, struct script *s);

// For the program: opens lagoon on a runtime, and pushes the main function of
// program.lua. Raises.
struct script *lagoon__open_program(lua_State *L, lg_runtime *rt);

#endif // LAGOON_OPEN_H
