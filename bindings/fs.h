// SPDX-License-Identifier: MIT
//
// Files: the C halves of lagoon.fs.
#ifndef LAGOON_FS_H
#define LAGOON_FS_H

#include <lua.h>

struct script;

// Adds the functions to the table on top.
void lagoon__open_fs(lua_State *L, struct script *s);

#endif // LAGOON_FS_H
