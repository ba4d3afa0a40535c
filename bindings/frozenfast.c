// SPDX-License-Identifier: MIT
//
// Reading of large tables, for compiled code. Each function gives a number, or says that
// the C function for Lua has to be asked.
#include <lauxlib.h>
#include <stdbool.h>

#include "frozen.h"
#include "frozennode.h"
#include "state.h"

// What the plain C functions return for values that are no number: numbers that no value
// has which they return. Of a NaN frozen.lua knows only that it has to ask again.
static const double BELOW = -0x1p1023; // all numbers that are returned are greater
static const double GIVES_NIL = -0x1.1p1023;
static const double GIVES_FALSE = -0x1.2p1023;
static const double GIVES_TRUE = -0x1.3p1023;

// Whether the interpreter has called us so often that compiled code is not to come. It
// calls from one place in LuaJIT, compiled code from elsewhere.
static bool is_interpreted(struct frozen *frozen, const void *caller)
{
    if (caller != frozen->object.script->ffi_caller) {
        frozen->ninterpreted = 0;
        return false;
    }
    return ++frozen->ninterpreted > FROZEN_INTERPRETED_MAX;
}

static double as_number(const struct value *value)
{
    if (value == NULL || value->tag == VALUE_NIL) {
        return GIVES_NIL;
    } else if (lagoon__value_is_number(*value)) {
        return value->number > BELOW ? value->number : __builtin_nan("");
    } else if (value->tag == VALUE_FALSE || value->tag == VALUE_TRUE) {
        return value->tag == VALUE_TRUE ? GIVES_TRUE : GIVES_FALSE;
    }
    return __builtin_nan("");
}

static double fast_number(struct frozen *frozen, double key)
{
    bool is_slow = is_interpreted(frozen, __builtin_return_address(0));
    if (is_slow || frozen->object.script->rt == NULL) {
        return __builtin_nan("");
    }
    struct frozen_view view = lagoon__frozen_view(frozen->node);
    return as_number(lagoon__frozen_at_number(&view, key));
}

static double fast_text(struct frozen *frozen, const char *bytes, size_t length)
{
    bool is_slow = is_interpreted(frozen, __builtin_return_address(0));
    if (is_slow || frozen->object.script->rt == NULL) {
        return __builtin_nan("");
    }
    struct frozen_view view = lagoon__frozen_view(frozen->node);
    return as_number(lagoon__frozen_at_text(&view, bytes, length));
}

// Notes from where the interpreter calls.
static void fast_begin(struct script *s)
{
    s->ffi_caller = __builtin_return_address(0);
}

// frozen_large(mt): the metatable for tables with many values.
static int set_large(lua_State *L)
{
    struct script *s = lagoon__script(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    s->refs.frozen_large = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

// A table of light userdata and numbers; frozen.lua knows the types by the names.
void lagoon__open_frozen_fast(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"frozen_large", set_large}, {NULL, NULL}};
    typedef void function(void);
    static const struct {
        const char *name;
        function *pointer;
    } pointers[] = {
        {"number", (function *)fast_number},
        {"text", (function *)fast_text},
        {"begin", (function *)fast_begin},
    };
    lua_createtable(L, 0, 8);
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)pointers[i].pointer);
        lua_setfield(L, -2, pointers[i].name);
    }
    lua_pushnumber(L, BELOW);
    lua_setfield(L, -2, "BELOW");
    lua_pushnumber(L, GIVES_NIL);
    lua_setfield(L, -2, "NIL");
    lua_pushnumber(L, GIVES_FALSE);
    lua_setfield(L, -2, "FALSE");
    lua_pushnumber(L, GIVES_TRUE);
    lua_setfield(L, -2, "TRUE");
    lua_setfield(L, -2, "frozen_fast");
    s->refs.frozen_large = LUA_NOREF;
    lagoon__register(L, s, functions);
}
