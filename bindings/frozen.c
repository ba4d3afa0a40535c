// SPDX-License-Identifier: MIT
#include "frozen.h"

#include <lauxlib.h>
#include <stdatomic.h>
#include <string.h>

#include "cdata.h"
#include "embedded.h"
#include "fail.h"
#include "frozennode.h"
#include "names.h"
#include "state.h"

enum {
    LARGE_MIN = 65,     // values; what has fewer may get warm
    WARM_AT = 64,       // reads
    WARM_TOTAL = 65536, // values in all plain tables of a state
    RETRIED_AT = 16384, // reads
    WARM_FIELDS = 8,    // of a metatable
};

struct frozen *lagoon__frozen_self(lua_State *L, const char *what)
{
    return lagoon__self(L, KIND_FROZEN, what);
}

// -- values --

static void push_text(lua_State *L, const struct value *value)
{
    const struct frozen_text *text = value->ptr;
    lua_pushlstring(L, text->bytes, text->length);
}

static void push_wide(lua_State *L, const struct value *value)
{
    uint64_t bits;
    memcpy(&bits, value->ptr, sizeof bits);
    lagoon__cdata_push_wide(L, value->tag == FROZEN_UINT64, bits);
}

void lagoon__frozen_push(lua_State *L, struct script *s, const struct value *value)
{
    if (lagoon__value_is_number(*value)) {
        lua_pushnumber(L, value->number);
        return;
    }
    switch (value->tag) {
    case FROZEN_TEXT: push_text(L, value); break;
    case VALUE_SHARED: lagoon__push_shared(L, s, value->ptr); break;
    case VALUE_FALSE:
    case VALUE_TRUE: lua_pushboolean(L, value->tag == VALUE_TRUE); break;
    case FROZEN_INT64:
    case FROZEN_UINT64: push_wide(L, value); break;
    default: lua_pushnil(L); break;
    }
}

// -- metatables --

static size_t count_of(const struct frozen_view *view)
{
    return view->narray + view->nentries;
}

// What has many values gets the metatable for that, if there is one.
void lagoon__frozen_dress(lua_State *L, struct frozen *frozen)
{
    struct script *s = frozen->object.script;
    struct frozen_view view = lagoon__frozen_view(frozen->node);
    if (count_of(&view) >= LARGE_MIN && s->refs.frozen_large != LUA_NOREF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.frozen_large);
        lua_setmetatable(L, -2);
    }
}

static void adopt(lua_State *L, void *userdata, struct shared *shared)
{
    struct frozen *frozen = userdata;
    frozen->node = shared;
    lagoon__frozen_dress(L, frozen);
}

const struct share_ops lagoon__frozen_ops = {
    .size_bytes = sizeof(struct frozen),
    .adopt = adopt,
};

// Pushes a plain table with all values.
static void push_plain(lua_State *L, struct script *s, const struct frozen_view *view)
{
    lua_createtable(L, (int)view->narray, (int)view->nentries);
    for (size_t i = 0; i < view->narray; i++) {
        lagoon__frozen_push(L, s, &view->cells[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    for (size_t i = 0; i < view->nentries; i++) {
        const struct value *key = lagoon__frozen_key(view, i);
        lagoon__frozen_push(L, s, key);
        lagoon__frozen_push(L, s, key + 1);
        lua_rawset(L, -3);
    }
}

// Gives the one at index 1 a metatable of its own. All of those are made alike, so that
// compiled code finds __index in the same place.
static void warm(lua_State *L, struct script *s, struct frozen *frozen,
                 const struct frozen_view *view)
{
    lagoon__check_room(L, 8, "no room to read a frozen table");
    lua_createtable(L, 0, WARM_FIELDS);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.classes[KIND_FROZEN]);
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
    push_plain(L, s, view);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, 1);
    frozen->nwarm = (uint32_t)count_of(view);
    s->nwarm += frozen->nwarm;
}

static void cool(lua_State *L, struct script *s, struct frozen *frozen)
{
    frozen->nreads = 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.classes[KIND_FROZEN]);
    lua_setmetatable(L, 1);
}

// One with many values goes cold if the interpreter calls, and is tried again later.
static void settle_large(lua_State *L, struct frozen *frozen)
{
    if (frozen->ninterpreted > FROZEN_INTERPRETED_MAX) {
        cool(L, frozen->object.script, frozen);
        frozen->ninterpreted = 0;
    } else if (++frozen->nreads == RETRIED_AT) {
        lua_pushvalue(L, 1);
        lagoon__frozen_dress(L, frozen);
        lua_pop(L, 1);
    }
}

// Changes the metatable if it should be another one by now.
static void settle(lua_State *L, struct frozen *frozen, const struct frozen_view *view)
{
    struct script *s = frozen->object.script;
    size_t n = count_of(view);
    if (n >= LARGE_MIN) {
        settle_large(L, frozen);
    } else if (++frozen->nreads == WARM_AT && s->nwarm + n <= WARM_TOTAL) {
        warm(L, s, frozen, view);
    }
}

// -- functions for Lua --

// The value under the key at index 2; NULL: there is none.
static const struct value *find(lua_State *L, const struct frozen_view *view)
{
    switch (lua_type(L, 2)) {
    case LUA_TSTRING: {
        size_t length;
        const char *bytes = lua_tolstring(L, 2, &length);
        return lagoon__frozen_at_text(view, bytes, length);
    }
    case LUA_TNUMBER: return lagoon__frozen_at_number(view, lua_tonumber(L, 2));
    case LUA_TBOOLEAN: {
        struct value key =
            lagoon__value_of_tag(lua_toboolean(L, 2) ? VALUE_TRUE : VALUE_FALSE);
        int64_t entry = lagoon__frozen_entry(view, key, NULL, 0);
        return entry >= 0 ? lagoon__frozen_key(view, (size_t)entry) + 1 : NULL;
    }
    default: return NULL;
    }
}

static int get(lua_State *L)
{
    struct frozen *frozen = lagoon__frozen_self(L, "index");
    struct frozen_view view = lagoon__frozen_view(frozen->node);
    const struct value *value = find(L, &view);
    settle(L, frozen, &view);
    if (value == NULL) {
        lua_pushnil(L);
    } else {
        lagoon__frozen_push(L, frozen->object.script, value);
    }
    return 1;
}

static int length(lua_State *L)
{
    struct frozen *frozen = lagoon__frozen_self(L, "length");
    // relaxed: written before anybody else could see the node
    lua_pushnumber(L, atomic_load_explicit(&frozen->node->flags, memory_order_relaxed));
    return 1;
}

static int refuse(lua_State *L)
{
    lagoon__frozen_self(L, "newindex");
    if (lua_type(L, 2) == LUA_TSTRING) {
        lagoon__raise(L, "attempt to modify a frozen table (field '%s')",
                      lua_tostring(L, 2));
    } else if (lua_type(L, 2) == LUA_TNUMBER) {
        lagoon__raise(L, "attempt to modify a frozen table (index %.14g)",
                      lua_tonumber(L, 2));
    }
    lagoon__raise(L, "attempt to modify a frozen table (%s as index)",
                  lagoon__type_name(L, 2));
}

static int tostring(lua_State *L)
{
    struct frozen *frozen = lagoon__object_at(L, 1, KIND_FROZEN);
    if (frozen == NULL) {
        frozen = lagoon__frozen_self(L, "tostring"); // raises
    }
    lua_pushfstring(L, "frozen table: %p", (void *)frozen->node);
    return 1;
}

static int finalise(lua_State *L)
{
    struct frozen *frozen = lagoon__object_at(L, 1, KIND_FROZEN);
    if (frozen == NULL) {
        return 0;
    }
    frozen->object.script->nwarm -= frozen->nwarm;
    frozen->nwarm = 0;
    return lagoon__shared_finalise(L);
}

// -- going through --

// The position behind the key at index 2: array cells first, then entries.
static size_t position_behind(lua_State *L, const struct frozen_view *view)
{
    if (lua_isnil(L, 2)) {
        return 0;
    }
    const struct value *value = find(L, view);
    if (value == NULL) {
        lagoon__raise(L, "invalid key to 'next'");
    }
    size_t at = (size_t)(value - view->cells);
    return at < view->narray ? at + 1 : view->narray + (at - view->narray) / 2 + 1;
}

// frozen_next(t, key): as `next`.
static int next(lua_State *L)
{
    struct frozen *frozen = lagoon__frozen_self(L, "next");
    struct script *s = frozen->object.script;
    lua_settop(L, 2);
    struct frozen_view view = lagoon__frozen_view(frozen->node);
    size_t at = position_behind(L, &view);
    while (at < view.narray && view.cells[at].tag == VALUE_NIL) {
        at++;
    }
    if (at < view.narray) {
        lua_pushnumber(L, (double)at + 1);
        lagoon__frozen_push(L, s, &view.cells[at]);
        return 2;
    }
    if (at - view.narray < view.nentries) {
        const struct value *key = lagoon__frozen_key(&view, at - view.narray);
        lagoon__frozen_push(L, s, key);
        lagoon__frozen_push(L, s, key + 1);
        return 2;
    }
    lua_pushnil(L);
    return 1;
}

// frozen_inext(t, i): the number after i, and what stands there, or nil.
static int inext(lua_State *L)
{
    struct frozen *frozen = lagoon__frozen_self(L, "next");
    struct frozen_view view = lagoon__frozen_view(frozen->node);
    double i = lua_tonumber(L, 2) + 1;
    const struct value *value = lagoon__frozen_at_number(&view, i);
    if (value == NULL || value->tag == VALUE_NIL) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushnumber(L, i);
    lagoon__frozen_push(L, frozen->object.script, value);
    return 2;
}

// --

// What lagoon.pairs needs, for the table on top.
static void register_iteration(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"frozen_next", next}, {"frozen_inext", inext}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lua_pushstring(L, lagoon__kind_name(KIND_FROZEN));
    lua_setfield(L, -2, "frozen_mark");
}

// The module is loaded with as much of the core as it needs: a worker may never need
// the rest.
void lagoon__guard_pairs(lua_State *L, struct script *s)
{
    lagoon__load_embedded(L, lagoon__find_embedded("lagoon.pairs"));
    lua_createtable(L, 0, 4);
    register_iteration(L, s);
    lua_call(L, 1, 1);
    luaL_findtable(L, LUA_REGISTRYINDEX, "_LOADED", 16);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "lagoon.pairs");
    lua_pop(L, 1);
    lagoon__replace_builtin(L, s, "pairs");
    lagoon__replace_builtin(L, s, "ipairs");
    lua_pop(L, 1);
}

void lagoon__open_frozen(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"freeze", lagoon__freeze}, {"thaw", lagoon__thaw}, {"frozen_get", get},
        {"frozen_length", length},  {NULL, NULL},
    };
    static const luaL_Reg meta[] = {{"__gc", finalise},
                                    {"__newindex", refuse},
                                    {"__tostring", tostring},
                                    {NULL, NULL}};
    lagoon__register(L, s, functions);
    register_iteration(L, s);
    lagoon__open_frozen_fast(L, s);
    lagoon__class(L, KIND_FROZEN);
    lagoon__register(L, s, meta);
    lua_pushstring(L, lagoon__kind_name(KIND_FROZEN));
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
