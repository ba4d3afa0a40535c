// SPDX-License-Identifier: MIT
//
// The Lua modules that travel inside the library, as text. tools/embed.lua writes the table
// into build/gen/scripts.c: scripts/lagoon as "lagoon", "lagoon.context", ...; LuaJIT's own
// modules as "jit.v", "jit.dump", ... (those fit the LuaJIT of the program, not of any host).
#ifndef LAGOON_SCRIPTS_H
#define LAGOON_SCRIPTS_H

#include <stddef.h>

struct lagoon_script {
    const char *name;      // as given to `require`
    const char *chunkname; // as given to luaL_loadbuffer: "=lagoon/context.lua"
    const char *text;      // source text; ends with a zero that size_bytes does not count
    size_t size_bytes;
};

extern const struct lagoon_script lagoon_scripts[]; // sorted by name within each folder
extern const size_t lagoon_nscripts;

#endif
