// SPDX-License-Identifier: MIT
//
// The Lua modules inside the library, as functions. The first worker state compiles
// them; the others of its runtime load the bytecode that it has left with the hub: it
// takes a fraction of the time, and surely fits.
#ifndef LAGOON_EMBEDDED_H
#define LAGOON_EMBEDDED_H

#include <lagoon.h>
#include <lua.h>
#include <stddef.h>

#include "scripts.h"

struct hub;
struct script;

// What was compiled from one of them; belongs to a hub.
struct chunk_copy {
    char *bytes; // NULL: not yet
    size_t size_bytes;
};

// The module of a name; NULL: there is none.
const struct lagoon_script *lagoon__find_embedded(const char *name);

// Pushes the function of a module. Raises.
void lagoon__load_embedded(lua_State *L, const struct lagoon_script *script);

void lagoon__open_embedded(lua_State *L, struct script *s);

// Frees what a hub has.
void lagoon__embedded_fini(struct hub *hub);

#endif // LAGOON_EMBEDDED_H
