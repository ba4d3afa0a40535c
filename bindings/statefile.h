// SPDX-License-Identifier: MIT
//
// Files that only their user may read, as the REPL's history.
#ifndef LAGOON_STATEFILE_H
#define LAGOON_STATEFILE_H

#include <lua.h>

// append_private(path, text) -> true; nil, message. What is missing is made: the file with mode
// 0600, folders above it with 0700.
int lagoon__append_private(lua_State *L);

#endif // LAGOON_STATEFILE_H
