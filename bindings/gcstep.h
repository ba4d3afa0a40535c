// SPDX-License-Identifier: MIT
#ifndef LAGOON_GCSTEP_H
#define LAGOON_GCSTEP_H

#include <lua.h>

struct script;

// Adds gc_step() to the table on top.
void lagoon__open_gcstep(lua_State *L, struct script *s);

#endif // LAGOON_GCSTEP_H
