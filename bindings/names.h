// SPDX-License-Identifier: MIT
//
// Values that every state has for itself: builtins, loaded modules, and the functions
// in them. They travel by name, which is text:
//
//   "string"              a module: package.loaded.string
//   "string\0format"      what stands in it, and deeper: one more part for each table
//   "_G\0print"           a global
//
// Only functions and whole modules travel so; other tables of a module are copied.
#ifndef LAGOON_NAMES_H
#define LAGOON_NAMES_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

struct script;

// The name of the function or table at an index; NULL: it has none. The text is a
// Lua string that the state keeps for as long as the value has that name. Raises.
const char *lagoon__name_of(lua_State *L, struct script *s, int index,
                            size_t *out_length);

// Pushes what has a name here, with `require` if need be, which may wait. Raises if
// there is no such thing.
void lagoon__push_named(lua_State *L, struct script *s, const char *name, size_t length);

// Whether the value at an index is what the state had in the global of that name
// when it opened.
bool lagoon__is_builtin(lua_State *L, struct script *s, const char *global, size_t length,
                        int index);

// Notes what there is: called once when a state opens, after its libraries were.
// Raises.
void lagoon__names_init(lua_State *L, struct script *s);

#endif // LAGOON_NAMES_H
