// SPDX-License-Identifier: MIT
#include "atomic.h"

#include <lauxlib.h>

#include "fail.h"
#include "state.h"

static double check_number(lua_State *L, int index, int n, const char *name)
{
    if (lua_type(L, index) != LUA_TNUMBER) {
        lagoon__raise_argument(L, n, name, "a number expected, got %s",
                               lagoon__type_name(L, index));
    }
    return lua_tonumber(L, index);
}

// atomic([number])
static int atomic_new(lua_State *L)
{
    double number = lua_isnoneornil(L, 1) ? 0 : check_number(L, 1, 1, "atomic");
    struct shared *shared;
    struct atomic *atomic =
        lagoon__shared_new(L, lagoon__script(L), KIND_ATOMIC, &shared);
    atomic->word = &shared->word;
    lagoon__atomic_set(atomic, number);
    return 1;
}

static int get(lua_State *L)
{
    struct atomic *atomic = lagoon__shared_self(L, KIND_ATOMIC, "get");
    lua_pushnumber(L, lagoon__atomic_get(atomic));
    return 1;
}

static int set(lua_State *L)
{
    struct atomic *atomic = lagoon__shared_self(L, KIND_ATOMIC, "set");
    lagoon__atomic_set(atomic, check_number(L, 2, 1, "set"));
    return 0;
}

static int swap(lua_State *L)
{
    struct atomic *atomic = lagoon__shared_self(L, KIND_ATOMIC, "swap");
    lua_pushnumber(L, lagoon__atomic_swap(atomic, check_number(L, 2, 1, "swap")));
    return 1;
}

static int add(lua_State *L)
{
    struct atomic *atomic = lagoon__shared_self(L, KIND_ATOMIC, "add");
    lua_pushnumber(L, lagoon__atomic_add(atomic, check_number(L, 2, 1, "add")));
    return 1;
}

static int cas(lua_State *L)
{
    struct atomic *atomic = lagoon__shared_self(L, KIND_ATOMIC, "cas");
    double expected = check_number(L, 2, 1, "cas");
    double number = check_number(L, 3, 2, "cas");
    lua_pushboolean(L, lagoon__atomic_cas(atomic, expected, number));
    return 1;
}

static int tostring(lua_State *L)
{
    struct atomic *atomic = lagoon__object_at(L, 1, KIND_ATOMIC);
    if (atomic == NULL) {
        atomic = lagoon__self(L, KIND_ATOMIC, "tostring"); // raises
    }
    if (lagoon__shared_is_alive(&atomic->object)) {
        lua_pushfstring(L, "atomic: %p (%f)", (void *)atomic, lagoon__atomic_get(atomic));
    } else {
        lua_pushfstring(L, "atomic: %p (dead)", (void *)atomic);
    }
    return 1;
}

static void adopt(lua_State *L, void *userdata, struct shared *shared)
{
    (void)L;
    ((struct atomic *)userdata)->word = &shared->word;
}

const struct share_ops lagoon__atomic_ops = {.size_bytes = sizeof(struct atomic),
                                             .adopt = adopt};

void lagoon__open_atomic(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"atomic", atomic_new},
                                         {"atomic_get", get},
                                         {"atomic_set", set},
                                         {"atomic_swap", swap},
                                         {"atomic_add", add},
                                         {"atomic_cas", cas},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {
        {"__gc", lagoon__shared_finalise}, {"__tostring", tostring}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_ATOMIC);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
