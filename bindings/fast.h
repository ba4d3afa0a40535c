// SPDX-License-Identifier: MIT
//
// The halves of operations that never wait, for compiled code: plain C
// functions that fast.lua calls through pointers, so that no host needs to
// export a symbol. They touch no Lua state.
#ifndef LAGOON_FAST_H
#define LAGOON_FAST_H

#include <lua.h>

struct script;

// Adds a table `fast` of pointers to the table on top.
void lagoon__open_fast(lua_State *L, struct script *s);

#endif // LAGOON_FAST_H
