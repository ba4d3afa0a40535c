// SPDX-License-Identifier: MIT
//
// Open files: the C halves of fs.open() and of a file's methods.
#ifndef LAGOON_FILE_H
#define LAGOON_FILE_H

#include <lagoon.h>
#include <lua.h>

struct script;

// Pushes what fs.stat() and a file's stat() return.
void lagoon__push_stat(lua_State *L, const lg_stat *stat);

// Adds the functions to the table on top.
void lagoon__open_file(lua_State *L, struct script *s);

#endif // LAGOON_FILE_H
