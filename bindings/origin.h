// SPDX-License-Identifier: MIT
//
// Where functions come from: whether one that stands in a module is the module's own,
// so that another state which loads the module gets it, too. Functions of C are; those
// of Lua if they were compiled from a file of the same package: with `socket.http`
// loaded, what comes from "/usr/share/lua/5.1/socket/http.lua" is own to `socket.http`,
// to `socket` and to `socket.ftp`. What else a script has put there is not.
#ifndef LAGOON_ORIGIN_H
#define LAGOON_ORIGIN_H

#include <lua.h>
#include <stdbool.h>

enum { LAGOON_ENTRIES_MAX = 10000 }; // of one table that are looked at

enum owner {
    OWNER_NONE,  // no functions at all
    OWNER_SELF,  // a function of its own
    OWNER_OTHER, // only others'
};

// Zeroed but for the first three. Modules are told by pointers to Lua strings that stay
// alive meanwhile.
struct origin {
    lua_State *L;
    int loaded;              // index of package.loaded
    int file;                // index of a place of ours: the file of `module`, or false
    const char *module;      // that was asked for last
    const char *last_source; // what the last function was compiled from,
    const char *last_module; // in which module it stood,
    bool was_own;            // and whether it was its own
};

// Whether the function on top is a module's own.
bool lagoon__is_own(struct origin *o, const char *module);

// Whose functions the table on top has.
enum owner lagoon__owner_of(struct origin *o, const char *module);

// The file from which `require` would load a module; NULL: there is none.
const char *lagoon__file_of(struct origin *o, const char *module);

// Whether a module is one of Lua's own libraries.
bool lagoon__is_library(const char *name);

// Whether the function on top, which it pops, is of C, or LuaJIT's own in Lua.
bool lagoon__is_native(lua_State *L);

#endif // LAGOON_ORIGIN_H
