// SPDX-License-Identifier: MIT
//
// A host in C for its specs: it has LuaJIT and lagoon linked in, and Lua states that it
// opens and closes as it likes.
#ifndef HOST_H
#define HOST_H

#include <lauxlib.h>
#include <lua.h>
#include <stddef.h>

// A state with Lua's libraries, in which `require "lagoon"` works.
lua_State *host_open(void);

// Runs a text. An error in it fails the spec.
void host_run(lua_State *L, const char *text);

// The same, where an error is wanted: its message, as long as it stays on top of L.
const char *host_error(lua_State *L, const char *text);

// How many threads the process has, and how many descriptors.
size_t host_threads(void);
size_t host_descriptors(void);

#endif // HOST_H
