// SPDX-License-Identifier: MIT
//
// Files that only their user may read, as the REPL's history. Several processes add to one, and
// cut it, without losing what the others add.
#ifndef LAGOON_STATEFILE_H
#define LAGOON_STATEFILE_H

#include <lauxlib.h>

// append_private(path, text) -> true; nil, message. What is missing is made: the file with mode
// 0600, folders above it with 0700. A file that others may read has that mode, too, from then on.
//
// trim_private(path, most, kept): leaves the last so many lines of a file that has more than
// `most`, and nobody else a right to it. Where that cannot be done the file stays as it is.
extern const luaL_Reg lagoon__statefile_functions[];

#endif // LAGOON_STATEFILE_H
