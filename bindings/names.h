// SPDX-License-Identifier: MIT
//
// Values that every state has for itself: builtins, loaded modules, and the functions
// in them. They travel by name, which is text:
//
//   "string"              a module: package.loaded.string
//   "string\0format"      what stands in it, and deeper: one more part for each table
//   "_G\0print"           a global that was there from the beginning
//
// Only functions and whole modules travel so; other tables of a module are copied,
// except for those that are classes (class.h).
//
// A name is a promise that another state, which has loaded the module for itself,
// finds the same there. So not all that stands in package.loaded has one (modules.h):
// a callback that a script has put into a module's table has none, nor a function that
// was added to `string`; those travel as any function of a script does. What is in
// package.loaded by hand, and not in any file, is copied like any table, with its
// functions; what came out of a loader in package.preload, too, unless its chunk is
// called like the module. If the name was promised and the module cannot be found, the
// receiver gets the message of `require`.
//
// A state finds out the names of its modules when it is first asked, and again when
// there is a new entry in package.loaded. So that this is noticed, package.loaded then
// has a metatable with a __newindex of ours, unless it already has one; what that does
// not see (an entry that is replaced) is noticed some lookups later.
#ifndef LAGOON_NAMES_H
#define LAGOON_NAMES_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filter.h"

struct script;

enum names_known {
    NAMES_NONE,
    NAMES_OF_MODULES,
    NAMES_OF_ALL, // of what is in them, too
};

// What a state knows of its names, beside the tables in its registry.
struct naming {
    uint8_t known;         // enum names_known
    bool is_loading;       // some modules were being loaded: they are in refs.loading
    bool is_touched;       // package.loaded has a new entry
    uint32_t nmisses;      // lookups of what has no name
    uint64_t fingerprint;  // of package.loaded, as it was looked through
    struct filter modules; // tables
};

// The name of the function or table at an index; NULL: it has none. The text is a
// Lua string that the state keeps for as long as the value has that name. Raises.
const char *lagoon__name_of(lua_State *L, struct script *s, int index,
                            size_t *out_length);

// The same for a table inside a module, which lagoon__name_of() does not tell of.
const char *lagoon__place_of(lua_State *L, struct script *s, int index,
                             size_t *out_length);

// Pushes what has a name here, with `require` if need be, which may wait: a function
// or a table, or whatever a module is. Raises if there is no such thing.
void lagoon__push_named(lua_State *L, struct script *s, const char *name, size_t length);

// Whether the value at an index is what the state had in the global of that name
// when it opened, and any state has: what Lua brings along.
bool lagoon__is_builtin(lua_State *L, struct script *s, const char *global, size_t length,
                        int index);

// Makes a field of the table on top the global of that name, as if Lua had brought it along.
void lagoon__replace_builtin(lua_State *L, struct script *s, const char *name);

// Notes what there is: called once when a state opens, after its libraries were.
// Raises.
void lagoon__names_init(lua_State *L, struct script *s);

#endif // LAGOON_NAMES_H
