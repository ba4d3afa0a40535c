// SPDX-License-Identifier: MIT
//
// What a state holds of a frozen table: a userdata, the same one for the same table as
// long as it is alive. Tables inside get theirs when they are read.
//
// How one is read depends on which metatable it has:
//
//   cold    a C function, through one in Lua, from which traces go on
//   large   what has many values: plain C functions that compiled code calls through
//           the FFI; if mostly the interpreter calls them, the table goes cold
//   warm    one of few values that has been read often: __index is a plain Lua table
//           with all of them, as fast as any. A state has a limited number of those.
#ifndef LAGOON_FROZEN_H
#define LAGOON_FROZEN_H

#include <lua.h>
#include <stdint.h>

#include "object.h"
#include "share.h"
#include "value.h"

struct frozen {
    struct object object;
    struct shared *node;   // alive as long as the handle
    uint32_t nreads;       // by the C function, while cold
    uint32_t ninterpreted; // calls of the interpreter in a row, while large
    uint32_t nwarm;        // values in its Lua table, while warm
};

extern const struct share_ops lagoon__frozen_ops;

// The live one at index 1, or raises in the name of what is to be done.
struct frozen *lagoon__frozen_self(lua_State *L, const char *what);

// Gives the one on top the metatable that it should have; its node is complete.
void lagoon__frozen_dress(lua_State *L, struct frozen *frozen);

// Pushes a value of a node. Raises.
void lagoon__frozen_push(lua_State *L, struct script *s, const struct value *value);

// frozen_freeze(t), frozen_thaw(t): the Lua functions (frozenmake.c, frozenthaw.c).
int lagoon__freeze(lua_State *L);
int lagoon__thaw(lua_State *L);

// More calls in a row of the interpreter than that make a large one go cold.
enum { FROZEN_INTERPRETED_MAX = 256 };

// Adds what compiled code calls (frozenfast.c).
void lagoon__open_frozen_fast(lua_State *L, struct script *s);

// In a state of ours, which has the loader of our modules: has the globals `pairs` and
// `ipairs` take frozen tables, too, as what comes with Lua (names.h). Raises.
void lagoon__guard_pairs(lua_State *L, struct script *s);

// Adds all of it to the table on top.
void lagoon__open_frozen(lua_State *L, struct script *s);

#endif // LAGOON_FROZEN_H
