// SPDX-License-Identifier: MIT
//
// The collectors, the core's and the state's, in the hands of a script.
#include "memory.h"

#include <lagoon.h>
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "collect.h"
#include "fail.h"
#include "refusal.h"
#include "retire.h"
#include "state.h"
#include "wait.h"

// -- settings --

static void push_percent(lua_State *L, int percent)
{
    if (percent == LG_GC_OFF) {
        lua_pushliteral(L, "off");
    } else {
        lua_pushinteger(L, percent);
    }
}

static int check_percent(lua_State *L)
{
    static const char expected[] =
        "a whole number of percent or \"off\" expected, got %s";
    if (lua_type(L, 1) == LUA_TSTRING && strcmp(lua_tostring(L, 1), "off") == 0) {
        return LG_GC_OFF;
    }
    if (lua_type(L, 1) == LUA_TSTRING) {
        lagoon__raise_argument(L, 1, "gc_percent", expected, lua_tostring(L, 1));
    }
    if (lua_type(L, 1) != LUA_TNUMBER) {
        lagoon__raise_argument(L, 1, "gc_percent", expected, lagoon__type_name(L, 1));
    }
    double percent = lua_tonumber(L, 1);
    bool is_ok = (percent >= 0 && percent <= INT32_MAX) || percent == LG_GC_OFF;
    if (!is_ok || percent != (double)(int)percent) {
        lagoon__raise_argument(L, 1, "gc_percent", expected, lua_tostring(L, 1));
    }
    return (int)percent;
}

// gc_percent([percent]): what it was.
static int gc_percent(lua_State *L)
{
    struct script *s = lagoon__script(L);
    if (lua_isnoneornil(L, 1)) {
        push_percent(L, lg_gc_percent_get(lagoon__rt(L, s)));
        return 1;
    }
    int percent = check_percent(L);
    push_percent(L, lg_gc_percent(lagoon__rt(L, s), percent));
    lagoon__collect_percent(L, s, percent);
    return 1;
}

void lagoon__push_bytes(lua_State *L, int64_t bytes)
{
    lua_pushnumber(L, bytes == LG_MEM_NO_LIMIT ? (double)INFINITY : (double)bytes);
}

int64_t lagoon__check_bytes(lua_State *L, const char *name)
{
    static const char expected[] =
        "bytes, at least 1, as a number or as \"512MiB\", expected, got %s";
    if (lua_type(L, 1) == LUA_TSTRING) {
        int64_t limit;
        if (lg_mem_limit_parse(lua_tostring(L, 1), &limit) != LG_OK) {
            lagoon__raise_argument(L, 1, name, expected, lua_tostring(L, 1));
        }
        return limit;
    }
    if (lua_type(L, 1) != LUA_TNUMBER) {
        lagoon__raise_argument(L, 1, name, expected, lagoon__type_name(L, 1));
    }
    double limit = lua_tonumber(L, 1);
    if (!(limit >= 1)) {
        lagoon__raise_argument(L, 1, name, expected, lua_tostring(L, 1));
    }
    return limit < 0x1p63 ? (int64_t)limit : LG_MEM_NO_LIMIT;
}

// mem_limit([bytes]): what it was.
static int mem_limit(lua_State *L)
{
    struct script *s = lagoon__script(L);
    if (lua_isnoneornil(L, 1)) {
        lagoon__push_bytes(L, lg_mem_limit_get(lagoon__rt(L, s)));
        return 1;
    }
    lagoon__push_bytes(
        L, lg_mem_limit(lagoon__rt(L, s), lagoon__check_bytes(L, "mem_limit")));
    lagoon__collect_limit(L, s);
    return 1;
}

// mem_cap([bytes]): what it was.
static int mem_cap(lua_State *L)
{
    struct script *s = lagoon__script(L);
    if (lua_isnoneornil(L, 1)) {
        lagoon__push_bytes(L, lg_mem_cap_get(lagoon__rt(L, s)));
        return 1;
    }
    lagoon__push_bytes(L,
                       lg_mem_cap(lagoon__rt(L, s), lagoon__check_bytes(L, "mem_cap")));
    lagoon__collect_limit(L, s);
    return 1;
}

// -- gc --

static int gc(lua_State *L)
{
    struct script *s = lagoon__script(L);
    if (lagoon__is_in_gc(L, s)) {
        lagoon__raise(L, "cannot collect inside a __gc metamethod");
    }
    // First the states: they hold what is the core's.
    lagoon__collect_all(L, s);
    lagoon__retire_collect(L, s);
    struct script_g *sg = lagoon__donor(L, s);
    if (sg != NULL) {
        int rc = lg_gc(s->rt);
        lagoon__donated(sg);
        if (rc != LG_OK) {
            lagoon__raise(L, "cannot collect: %s", lg_strerror(rc));
        }
    }
    return 0;
}

// retire(): closes the worker states that have nothing to do, soon.
static int retire(lua_State *L)
{
    lagoon__retire_all(lagoon__script(L)->hub);
    return 0;
}

void lagoon__open_memory(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"gc", gc},           {"gc_percent", gc_percent}, {"mem_limit", mem_limit},
        {"mem_cap", mem_cap}, {"retire", retire},         {NULL, NULL}};
    lagoon__register(L, s, functions);
}
