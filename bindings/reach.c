// SPDX-License-Identifier: MIT
#include "reach.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fail.h"
#include "refusal.h"
#include "state.h"

enum { FIRST_CAP = 1 << 12, ROOM = 20 };

// -- the set --

static size_t slot_of(const struct reach *reach, const void *ptr)
{
    // Objects are at multiples of 8; the product spreads the rest upwards.
    uint64_t spread = ((uint64_t)(uintptr_t)ptr >> 3) * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(spread >> 32) & (reach->cap - 1);
    while (reach->seen[i] != NULL && reach->seen[i] != ptr) {
        i = (i + 1) & (reach->cap - 1);
    }
    return i;
}

static void new_set(struct reach *reach, size_t cap)
{
    reach->seen = lua_newuserdata(reach->L, cap * sizeof *reach->seen);
    memset(reach->seen, 0, cap * sizeof *reach->seen);
    reach->cap = cap;
}

static void grow(struct reach *reach)
{
    const void **old = reach->seen;
    size_t cap = reach->cap;
    new_set(reach, cap * 2);
    for (size_t i = 0; i < cap; i++) {
        if (old[i] != NULL) {
            reach->seen[slot_of(reach, old[i])] = old[i];
        }
    }
    lua_replace(reach->L, reach->set);
}

// False: it was there.
static bool insert(struct reach *reach, const void *ptr)
{
    size_t i = slot_of(reach, ptr);
    if (reach->seen[i] != NULL) {
        return false;
    }
    reach->seen[i] = ptr;
    if (++reach->nset > reach->cap / 2) {
        grow(reach);
    }
    return true;
}

// --

void lagoon__reach_init(struct reach *reach, lua_State *L)
{
    lagoon__check_room(L, ROOM, "no room for a walk");
    *reach = (struct reach){.L = L};
    lua_newtable(L);
    reach->found = lua_gettop(L);
    new_set(reach, FIRST_CAP);
    reach->set = lua_gettop(L);
    insert(reach, lua_topointer(L, reach->found)); // they are values of L, too
    insert(reach, lua_topointer(L, reach->set));
}

static bool has_references(int type)
{
    return type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA ||
           type == LUA_TTHREAD;
}

void lagoon__reach_add(struct reach *reach)
{
    lua_State *L = reach->L;
    if (has_references(lua_type(L, -1)) && insert(reach, lua_topointer(L, -1))) {
        lua_rawseti(L, reach->found, ++reach->nfound);
    } else {
        lua_pop(L, 1);
    }
}

void lagoon__reach_hide(struct reach *reach)
{
    insert(reach, lua_topointer(reach->L, -1));
    lua_pop(reach->L, 1);
}

// -- into one object, on top of L at index `object` --

static bool has_mode(const char *mode, int which)
{
    return mode != NULL && strchr(mode, which) != NULL;
}

static void look_into_table(struct reach *reach, int object)
{
    lua_State *L = reach->L;
    const char *mode = NULL;
    if (lua_getmetatable(L, object)) {
        lua_pushliteral(L, "__mode");
        lua_rawget(L, -2);
        mode = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
        lua_pop(L, 1); // the metatable keeps the string
        lagoon__reach_add(reach);
    }
    bool has_weak_keys = has_mode(mode, 'k');
    bool has_weak_values = has_mode(mode, 'v');
    for (lua_pushnil(L); lua_next(L, object) != 0;) {
        if (has_weak_values) {
            lua_pop(L, 1);
        } else {
            lagoon__reach_add(reach);
        }
        if (!has_weak_keys && has_references(lua_type(L, -1))) {
            lua_pushvalue(L, -1);
            lagoon__reach_add(reach);
        }
    }
}

static void add_environment(struct reach *reach, int object)
{
    lua_getfenv(reach->L, object);
    lagoon__reach_add(reach);
}

static void look_into_function(struct reach *reach, int object)
{
    for (int i = 1; lua_getupvalue(reach->L, object, i) != NULL; i++) {
        lagoon__reach_add(reach);
    }
    add_environment(reach, object);
}

static void look_into_userdata(struct reach *reach, int object)
{
    if (lua_getmetatable(reach->L, object)) {
        lagoon__reach_add(reach);
    }
    add_environment(reach, object);
}

// Adds the value on top of a thread, popping it there.
static void add_from(struct reach *reach, lua_State *thread)
{
    if (has_references(lua_type(thread, -1))) {
        lua_xmove(thread, reach->L, 1);
        lagoon__reach_add(reach);
    } else {
        lua_pop(thread, 1);
    }
}

// All slots of a frame: also those that no variable has now, as the collector.
static void add_frame(struct reach *reach, lua_State *thread, lua_Debug *ar)
{
    lua_getinfo(thread, "f", ar);
    add_from(reach, thread);
    for (int i = 1; lua_getlocal(thread, ar, i) != NULL; i++) {
        add_from(reach, thread);
    }
    for (int i = -1; lua_getlocal(thread, ar, i) != NULL; i--) {
        add_from(reach, thread); // the extra arguments of f(...)
    }
}

static void look_into_thread(struct reach *reach, int object)
{
    lua_State *thread = lua_tothread(reach->L, object);
    lua_Debug ar;
    if (!lua_checkstack(thread, 2)) {
        luaL_error(reach->L, "no room to look at a coroutine");
    }
    add_environment(reach, object);
    // One that has not started has values and no frame.
    int top = lua_gettop(thread);
    for (int i = 1; i <= top; i++) {
        lua_pushvalue(thread, i);
        add_from(reach, thread);
    }
    for (int level = 0; lua_getstack(thread, level, &ar); level++) {
        add_frame(reach, thread, &ar);
    }
}

void lagoon__reach_run(struct reach *reach)
{
    lua_State *L = reach->L;
    while (reach->nfound > 0) {
        lua_rawgeti(L, reach->found, reach->nfound--);
        int object = lua_gettop(L);
        int type = lua_type(L, object);
        if (reach->visit != NULL) {
            reach->visit(reach, type, lua_topointer(L, object));
        }
        switch (type) {
        case LUA_TTABLE: look_into_table(reach, object); break;
        case LUA_TFUNCTION: look_into_function(reach, object); break;
        case LUA_TUSERDATA: look_into_userdata(reach, object); break;
        default: look_into_thread(reach, object); break;
        }
        lua_settop(L, object - 1);
    }
}

// -- roots --

void lagoon__reach_add_thread(struct reach *reach, lua_State *thread)
{
    if (!lua_checkstack(thread, 1)) {
        luaL_error(reach->L, "no room to look at a coroutine");
    }
    lua_pushthread(thread);
    lua_xmove(thread, reach->L, 1);
    lagoon__reach_add(reach);
}

// The metatables that all values of a type share.
static void add_type_metatables(struct reach *reach, struct script *s)
{
    lua_State *L = reach->L;
    int top = lua_gettop(L);
    lua_pushnil(L);
    lua_pushboolean(L, 1);
    lua_pushnumber(L, 0);
    lua_pushliteral(L, "");
    lua_pushlightuserdata(L, L);
    lua_pushthread(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.noop);
    int last = lua_gettop(L);
    for (int i = top + 1; i <= last; i++) {
        if (lua_getmetatable(L, i)) {
            lagoon__reach_add(reach);
        }
    }
    lua_settop(L, top);
}

// That of cdata, and what the FFI keeps (callbacks, metatypes), is the
// environment of some of its functions.
static void add_ffi(struct reach *reach, struct script *s)
{
    int ffi_call = lagoon__ffi_call(reach->L, s);
    if (ffi_call != LUA_NOREF) {
        lua_rawgeti(reach->L, LUA_REGISTRYINDEX, ffi_call);
        lagoon__reach_add(reach);
    }
}

static void add_kept(struct reach *reach, struct script *s,
                     const unsigned char *is_skipped)
{
    lua_State *L = reach->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.kept);
    int kept = lua_gettop(L);
    for (int slot = 1; slot <= s->slots.last; slot++) {
        if (is_skipped == NULL || !is_skipped[slot]) {
            lua_rawgeti(L, kept, slot);
            lagoon__reach_add(reach);
        }
    }
    lagoon__reach_hide(reach);
}

void lagoon__reach_add_roots(struct reach *reach, struct script *s,
                             const unsigned char *is_skipped)
{
    add_kept(reach, s, is_skipped);
    lua_pushvalue(reach->L, LUA_REGISTRYINDEX);
    lagoon__reach_add(reach);
    add_type_metatables(reach, s);
    add_ffi(reach, s);
    lua_State *const threads[] = {reach->L, s->aux, s->main, s->driver};
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        if (threads[i] != NULL) {
            lagoon__reach_add_thread(reach, threads[i]);
        }
    }
}

void lagoon__reach_call(lua_State *L, struct script *s, lua_CFunction function, void *ud,
                        const char *what)
{
    if (lagoon__is_in_gc(L, s)) {
        lagoon__raise(L, "cannot %s inside a __gc metamethod", what);
    }
    bool was_running = lua_gc(L, LUA_GCISRUNNING, 0) != 0;
    lua_gc(L, LUA_GCCOLLECT, 0);
    lua_gc(L, LUA_GCSTOP, 0);
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, ud);
    int status = lua_pcall(L, 1, 1, 0);
    if (was_running) {
        lua_gc(L, LUA_GCRESTART, -1);
    }
    if (status != 0) {
        lua_error(L);
    }
}
