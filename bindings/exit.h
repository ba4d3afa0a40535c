// SPDX-License-Identifier: MIT
//
// What is changed in the libraries of states that are ours, the program's and the
// workers': a host's stay as they are.
#ifndef LAGOON_EXIT_H
#define LAGOON_EXIT_H

#include <lua.h>

struct script;

// os.exit(), which ends the process at once, tells of failed tasks first.
void lagoon__guard_exit(lua_State *L, struct script *s);

#endif // LAGOON_EXIT_H
