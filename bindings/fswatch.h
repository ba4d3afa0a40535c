// SPDX-License-Identifier: MIT
//
// What happens to files: the C halves of fs.watch().
#ifndef LAGOON_FSWATCH_H
#define LAGOON_FSWATCH_H

#include <lua.h>

struct script;

// Adds the functions to the table on top.
void lagoon__open_fswatch(lua_State *L, struct script *s);

#endif // LAGOON_FSWATCH_H
