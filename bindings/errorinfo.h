// SPDX-License-Identifier: MIT
//
// Whose an error was that has left a goroutine: as a table for the handler in Lua, as
// texts for the host's.
#ifndef LAGOON_ERRORINFO_H
#define LAGOON_ERRORINFO_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>

struct script_g;

// Pushes {id, name, parent, created_by} of a goroutine. May raise.
void lagoon__push_error_info(lua_State *L, struct script_g *sg);

// Tells the host (lg_on_error) of the error and the traceback on top of L, which stay.
// False: it does not want to know. May raise.
bool lagoon__tell_host(lua_State *L, struct script_g *sg);

// Tells the host in words of an error of a task that is gone; without one to be told,
// prints it.
void lagoon__tell_failure(lg_runtime *rt, const char *words);

#endif // LAGOON_ERRORINFO_H
