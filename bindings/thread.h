// SPDX-License-Identifier: MIT
//
// lock_thread(), unlock_thread(): goroutines that stay on one thread.
#ifndef LAGOON_THREAD_H
#define LAGOON_THREAD_H

#include <lua.h>

struct script;

// Adds both to the table on top.
void lagoon__open_thread(lua_State *L, struct script *s);

#endif // LAGOON_THREAD_H
