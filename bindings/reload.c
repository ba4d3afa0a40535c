// SPDX-License-Identifier: MIT
#include "reload.h"

#include <lauxlib.h>
#include <string.h>

#include "dump.h"
#include "fail.h"
#include "reach.h"
#include "state.h"

// -- what there is --

struct known {
    struct script *s;
    const char *source;
    int set; // a table, in the registry; in the walk its index
};

static bool is_of_source(lua_State *L, const char *source)
{
    lua_Debug ar;
    if (lua_iscfunction(L, -1)) {
        return false;
    }
    lua_pushvalue(L, -1);
    lua_getinfo(L, ">S", &ar);
    return strcmp(ar.source, source) == 0;
}

static void note_known(struct reach *reach, int type, const void *ptr)
{
    lua_State *L = reach->L;
    const struct known *known = reach->ud;
    (void)ptr;
    if (type == LUA_TTABLE || (type == LUA_TFUNCTION && is_of_source(L, known->source))) {
        lua_pushvalue(L, -1);
        lua_pushboolean(L, 1);
        lua_rawset(L, known->set);
    }
}

static int know_all(lua_State *L)
{
    struct known *known = lua_touserdata(L, 1);
    struct reach reach;
    lua_rawgeti(L, LUA_REGISTRYINDEX, known->set);
    struct known here = {known->s, known->source, lua_gettop(L)};
    lagoon__reach_init(&reach, L);
    reach.visit = note_known;
    reach.ud = &here;
    lua_pushvalue(L, here.set);
    lagoon__reach_hide(&reach);
    lagoon__reach_add_roots(&reach, known->s, NULL);
    lagoon__reach_run(&reach);
    return 0;
}

// reload_known(source, set): adds to the set all tables that can be reached, and all
// functions of a source.
static int reload_known(lua_State *L)
{
    struct known known = {.s = lagoon__script(L), .source = luaL_checkstring(L, 1)};
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    known.set = luaL_ref(L, LUA_REGISTRYINDEX);
    lagoon__reach_call(L, known.s, know_all, &known, "load a module anew");
    luaL_unref(L, LUA_REGISTRYINDEX, known.set);
    return 0;
}

// -- objects in the place of others --

struct swap {
    int map;          // index: what is to go -> what comes in its place
    int keys;         // index: a table for keys to be renamed
    size_t nreplaced; // references
};

// Replaces what is on top by what comes in its place, if anything does.
static bool replace_top(lua_State *L, struct swap *swap)
{
    int type = lua_type(L, -1);
    if (type != LUA_TFUNCTION && type != LUA_TTABLE) {
        return false;
    }
    lua_pushvalue(L, -1);
    lua_rawget(L, swap->map);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    lua_replace(L, -2);
    swap->nreplaced++;
    return true;
}

// Gives the entries new keys that have one: old key, new key, ... in the list of keys.
static void rename_keys(lua_State *L, struct swap *swap, int table, int nkeys)
{
    for (int i = 1; i <= nkeys; i += 2) {
        lua_rawgeti(L, swap->keys, i + 1);
        lua_rawgeti(L, swap->keys, i);
        lua_pushvalue(L, -1);
        lua_rawget(L, table);
        lua_insert(L, -2);
        lua_pushnil(L);
        lua_rawset(L, table);
        lua_rawset(L, table);
    }
}

static void swap_in_table(lua_State *L, struct swap *swap, int table)
{
    int nkeys = 0;
    if (lua_getmetatable(L, table)) {
        if (replace_top(L, swap)) {
            lua_setmetatable(L, table);
        } else {
            lua_pop(L, 1);
        }
    }
    for (lua_pushnil(L); lua_next(L, table) != 0;) {
        if (replace_top(L, swap)) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, table);
        } else {
            lua_pop(L, 1);
        }
        lua_pushvalue(L, -1);
        if (replace_top(L, swap)) {
            lua_pushvalue(L, -2);
            lua_rawseti(L, swap->keys, ++nkeys);
            lua_rawseti(L, swap->keys, ++nkeys);
        } else {
            lua_pop(L, 1);
        }
    }
    rename_keys(L, swap, table, nkeys);
}

static void swap_in_function(lua_State *L, struct swap *swap, int function)
{
    for (int i = 1; lua_getupvalue(L, function, i) != NULL; i++) {
        if (!replace_top(L, swap) || lua_setupvalue(L, function, i) == NULL) {
            lua_pop(L, 1);
        }
    }
    lua_getfenv(L, function);
    if (!replace_top(L, swap) || !lua_setfenv(L, function)) {
        lua_pop(L, 1);
    }
}

static void swap_in_userdata(lua_State *L, struct swap *swap, int userdata)
{
    if (lua_getmetatable(L, userdata)) {
        if (replace_top(L, swap)) {
            lua_setmetatable(L, userdata);
        } else {
            lua_pop(L, 1);
        }
    }
}

// What a coroutine that has not begun is to be resumed with: its function, a goroutine's arguments.
static void swap_in_fresh(lua_State *L, struct swap *swap, lua_State *thread)
{
    for (int i = lua_gettop(thread); i > 0; i--) {
        lua_pushvalue(thread, i);
        lua_xmove(thread, L, 1);
        if (replace_top(L, swap)) {
            lua_xmove(L, thread, 1);
            lua_replace(thread, i);
        } else {
            lua_pop(L, 1);
        }
    }
}

// Variables of functions that have begun; also those of loops and calls under way.
static void swap_in_thread(lua_State *L, struct swap *swap, int index)
{
    lua_State *thread = lua_tothread(L, index);
    lua_Debug ar;
    if (!lua_checkstack(thread, 2)) {
        return;
    }
    if (lua_status(thread) == 0 && !lua_getstack(thread, 0, &ar)) {
        swap_in_fresh(L, swap, thread);
    }
    // The first frame of L is the walk's own.
    for (int level = thread == L; lua_getstack(thread, level, &ar); level++) {
        for (int i = 1; lua_getlocal(thread, &ar, i) != NULL; i++) {
            lua_xmove(thread, L, 1);
            if (replace_top(L, swap)) {
                lua_xmove(L, thread, 1);
                lua_setlocal(thread, &ar, i);
            } else {
                lua_pop(L, 1);
            }
        }
    }
}

static void visit(struct reach *reach, int type, const void *ptr)
{
    lua_State *L = reach->L;
    int object = lua_gettop(L);
    (void)ptr;
    switch (type) {
    case LUA_TTABLE: swap_in_table(L, reach->ud, object); break;
    case LUA_TFUNCTION: swap_in_function(L, reach->ud, object); break;
    case LUA_TUSERDATA: swap_in_userdata(L, reach->ud, object); break;
    default: swap_in_thread(L, reach->ud, object); break;
    }
    lua_settop(L, object);
}

struct swap_call {
    struct script *s;
    int map; // in the registry
};

// The collector is stopped, and nothing else runs.
static int swap_all(lua_State *L)
{
    struct swap_call *call = lua_touserdata(L, 1);
    struct swap swap = {.map = 2, .keys = 3};
    struct reach reach;
    lua_rawgeti(L, LUA_REGISTRYINDEX, call->map);
    lua_newtable(L);
    lagoon__reach_init(&reach, L);
    reach.visit = visit;
    reach.ud = &swap;
    lua_pushvalue(L, swap.map);
    lagoon__reach_hide(&reach);
    lua_pushvalue(L, swap.keys);
    lagoon__reach_hide(&reach);
    lagoon__reach_add_roots(&reach, call->s, NULL);
    lagoon__reach_run(&reach);
    lua_pushnumber(L, (double)swap.nreplaced);
    return 1;
}

// reload_swap(map): puts values in the place of keys, wherever the state refers to them;
// returns how many references that were.
static int reload_swap(lua_State *L)
{
    struct swap_call call = {.s = lagoon__script(L)};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    call.map = luaL_ref(L, LUA_REGISTRYINDEX);
    lagoon__reach_call(L, call.s, swap_all, &call, "load a module anew");
    luaL_unref(L, LUA_REGISTRYINDEX, call.map);
    return 1;
}

// -- who stands in a source --

// The innermost frame of a thread that is of the source at 1: pushes where, or nothing.
static bool push_where(lua_State *L, lua_State *thread)
{
    lua_Debug ar;
    const char *source = lua_tostring(L, 1);
    for (int level = 0; lua_getstack(thread, level, &ar); level++) {
        lua_getinfo(thread, "Sl", &ar);
        if (strcmp(ar.source, source) == 0) {
            lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
            return true;
        }
    }
    return false;
}

static bool push_where_of(lua_State *L, struct script_g *sg)
{
    bool is_there = sg == lg_extra_self() && L != sg->co && push_where(L, L);
    is_there = is_there || (sg->donor && sg->donor != sg->co && push_where(L, sg->donor));
    return is_there || push_where(L, sg->co);
}

// reload_inside(source, ids): of the goroutines whose numbers are keys of ids, those that
// have a function of the source on their stack: id, where, id, where, ...
static int reload_inside(lua_State *L)
{
    struct script *s = lagoon__script(L);
    luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    struct snapshot *snapshot = lagoon__push_snapshot(L, s);
    lua_newtable(L);
    int list = lua_gettop(L);
    int n = 0;
    for (size_t i = 0; i < snapshot->n; i++) {
        const lg_g_info *info = &snapshot->infos[i];
        lua_pushnumber(L, (double)info->ref.id);
        lua_pushvalue(L, -1);
        lua_rawget(L, 2);
        bool is_wanted = lua_toboolean(L, -1) && info->strand == s->strand;
        lua_pop(L, 1);
        if (is_wanted && push_where_of(L, info->extra)) {
            lua_rawseti(L, list, n + 2);
            lua_rawseti(L, list, n + 1);
            n += 2;
        } else {
            lua_pop(L, 1);
        }
    }
    return 1;
}

// -- classes --

// reload_classes(who, renewed): from now on lagoon.class(), called by this goroutine, takes another
// metatable for a name that there is, and notes in the table: old metatable -> new one. Without a
// table it does not. Returns the table until then: the body of a module may reload another one.
// `who` is the goroutine's task, or true outside of goroutines.
static int reload_classes(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lua_settop(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.renewed);
    lua_pushvalue(L, 1);
    lua_rawget(L, 3);
    lua_insert(L, 1);
    lua_insert(L, 2);
    lua_rawset(L, 2);
    lua_settop(L, 1);
    return 1;
}

void lagoon__open_reload(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"reload_known", reload_known},
                                         {"reload_swap", reload_swap},
                                         {"reload_inside", reload_inside},
                                         {"reload_classes", reload_classes},
                                         {"reload_publish", lagoon__reload_publish},
                                         {NULL, NULL}};
    lagoon__register(L, s, functions);
}
