// SPDX-License-Identifier: MIT
#include "cdata.h"

#include <lauxlib.h>
#include <string.h>

#include "fail.h"

// What the FFI gives us, kept in a table of the registry's.
enum { IS_TYPE = 1, NEW, INT64, UINT64, NPARTS = UINT64 };

static const char KEY[] = "lagoon.cdata";

// A state opens the library when it first needs it.
static void push_ffi(lua_State *L)
{
    luaL_findtable(L, LUA_REGISTRYINDEX, "_LOADED", 1);
    lua_getfield(L, -1, "ffi");
    if (!lua_istable(L, -1)) {
        lua_pop(L, 1);
        luaL_findtable(L, LUA_REGISTRYINDEX, "_PRELOAD", 1);
        lua_getfield(L, -1, "ffi");
        lua_remove(L, -2);
        if (lua_isfunction(L, -1)) {
            lua_pushliteral(L, "ffi");
            lua_call(L, 1, 1);
        }
    }
    lua_remove(L, -2);
    if (!lua_istable(L, -1)) {
        lagoon__raise(L, "there is no FFI for 64-bit integers");
    }
}

static void add_type(lua_State *L, int ffi, int parts, const char *name, int part)
{
    lua_getfield(L, ffi, "typeof");
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    lua_rawseti(L, parts, part);
}

// Pushes the table.
static void push_parts(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, KEY);
    if (lua_istable(L, -1)) {
        return;
    }
    lua_pop(L, 1);
    push_ffi(L);
    int ffi = lua_gettop(L);
    lua_createtable(L, NPARTS, 0);
    lua_getfield(L, ffi, "istype");
    lua_rawseti(L, ffi + 1, IS_TYPE);
    lua_getfield(L, ffi, "new");
    lua_rawseti(L, ffi + 1, NEW);
    add_type(L, ffi, ffi + 1, "int64_t", INT64);
    add_type(L, ffi, ffi + 1, "uint64_t", UINT64);
    lua_pushvalue(L, ffi + 1);
    lua_setfield(L, LUA_REGISTRYINDEX, KEY);
    lua_remove(L, ffi);
}

static bool is_type(lua_State *L, int parts, int part, int index)
{
    lua_rawgeti(L, parts, IS_TYPE);
    lua_rawgeti(L, parts, part);
    lua_pushvalue(L, index);
    lua_call(L, 2, 1);
    bool is_it = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is_it;
}

bool lagoon__cdata_wide(lua_State *L, int index, bool *out_is_unsigned,
                        uint64_t *out_bits)
{
    push_parts(L);
    int parts = lua_gettop(L);
    bool is_signed = is_type(L, parts, INT64, index);
    bool is_unsigned = !is_signed && is_type(L, parts, UINT64, index);
    lua_pop(L, 1);
    if (is_signed || is_unsigned) {
        // Of cdata this is where the data is.
        memcpy(out_bits, lua_topointer(L, index), sizeof *out_bits);
        *out_is_unsigned = is_unsigned;
    }
    return is_signed || is_unsigned;
}

void lagoon__cdata_push_wide(lua_State *L, bool is_unsigned, uint64_t bits)
{
    push_parts(L);
    lua_rawgeti(L, -1, NEW);
    lua_rawgeti(L, -2, is_unsigned ? UINT64 : INT64);
    lua_call(L, 1, 1);
    memcpy((void *)lua_topointer(L, -1), &bits, sizeof bits);
    lua_remove(L, -2);
}
