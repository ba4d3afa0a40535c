// SPDX-License-Identifier: MIT
//
// The walk over package.loaded that gives names (names.h). It looks at tables with raw
// access, not at metatables, down to three tables below a module's, and comes to none
// twice: level by level, so that what stands in several places gets a short name.
//
// What gets a name, so that other states find the same by it:
//
//   modules             those of Lua; those with a function of their own in their table;
//                       and those for which package.path leads to a file
//   functions           of C; of Lua, if their own: compiled from a file of the same
//                       package, "socket" for socket.http, or the module's own
//   tables in modules   those with a function of their own
//
// Names in Lua's libraries come before others, then short ones before long ones.
#ifndef LAGOON_MODULES_H
#define LAGOON_MODULES_H

#include <float.h>
#include <lua.h>
#include <stdbool.h>

#include "names.h"

struct script;

// Fills refs.names, as far as it is asked for. Raises, with less known than before.
void lagoon__modules_walk(lua_State *L, struct script *s, enum names_known wanted);

// Whether a module that was being loaded in the last walk has come to an end.
bool lagoon__modules_loaded(lua_State *L, struct script *s);

// Whether package.loaded is another than in the last walk. As dear as the number of
// its entries.
bool lagoon__modules_changed(lua_State *L, struct script *s);

// Whether the entry of package.loaded on top is what stands there while a module is
// being loaded, and after that has failed: in LuaJIT a number that nobody could have
// computed, in older ones a light userdata.
static inline bool lagoon__is_loading_mark(lua_State *L)
{
    if (lua_type(L, -1) == LUA_TNUMBER) {
        double number = lua_tonumber(L, -1);
        return number < 0 && number > -DBL_MIN;
    }
    return lua_islightuserdata(L, -1);
}

#endif // LAGOON_MODULES_H
