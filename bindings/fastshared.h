// SPDX-License-Identifier: MIT
//
// As fast.h, for objects that are born shared: atomics and buffers.
#ifndef LAGOON_FASTSHARED_H
#define LAGOON_FASTSHARED_H

#include <lua.h>

struct script;

// Adds pointers to the table `fast` in the table on top, which lagoon__open_fast() made.
void lagoon__open_fast_shared(lua_State *L, struct script *s);

#endif // LAGOON_FASTSHARED_H
