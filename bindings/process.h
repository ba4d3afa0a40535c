// SPDX-License-Identifier: MIT
//
// Child processes: the C halves of lagoon.process.
#ifndef LAGOON_PROCESS_H
#define LAGOON_PROCESS_H

#include <lua.h>

struct script;

// Adds the functions to the table on top.
void lagoon__open_process(lua_State *L, struct script *s);

#endif // LAGOON_PROCESS_H
