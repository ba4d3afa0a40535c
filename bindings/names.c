// SPDX-License-Identifier: MIT
#include "names.h"

#include <lauxlib.h>
#include <string.h>

#include "fail.h"
#include "modules.h"
#include "origin.h"
#include "state.h"

enum {
    MISSES_PER_LOOK = 256, // at package.loaded, which costs as much as many lookups
    PATH_SIZE = 256,
};

// -- from values to names --

static const char *find(lua_State *L, struct script *s, int index, size_t *out_length)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.names);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    const char *name = lua_tolstring(L, -1, out_length);
    lua_pop(L, 2);
    return name;
}

static const char *find_module(lua_State *L, struct script *s, int index,
                               size_t *out_length)
{
    if (!lagoon__filter_has(&s->names.modules, lua_topointer(L, index))) {
        return NULL;
    }
    const char *name = find(L, s, index, out_length);
    return name != NULL && memchr(name, '\0', *out_length) == NULL ? name : NULL;
}

static const char *find_place(lua_State *L, struct script *s, int index,
                              size_t *out_length)
{
    const char *name = find(L, s, index, out_length);
    return name != NULL && memchr(name, '\0', *out_length) != NULL ? name : NULL;
}

// Whether there may be names that we do not know.
static bool is_behind(lua_State *L, struct script *s, enum names_known wanted)
{
    struct naming *names = &s->names;
    bool must_look = ++names->nmisses % MISSES_PER_LOOK == 0;
    if ((names->is_loading && lagoon__modules_loaded(L, s)) ||
        (must_look && lagoon__modules_changed(L, s))) {
        names->known = NAMES_NONE;
    }
    return names->known < wanted;
}

typedef const char *finder(lua_State *L, struct script *s, int index, size_t *out_length);

static const char *look_up(lua_State *L, struct script *s, int index, finder *find_it,
                           enum names_known wanted, size_t *out_length)
{
    const char *name = find_it(L, s, index, out_length);
    if (name != NULL || !is_behind(L, s, wanted)) {
        return name;
    }
    lagoon__modules_walk(L, s, wanted);
    return find_it(L, s, index, out_length);
}

static int absolute(lua_State *L, int index)
{
    return index > 0 ? index : lua_gettop(L) + index + 1;
}

const char *lagoon__name_of(lua_State *L, struct script *s, int index, size_t *out_length)
{
    index = absolute(L, index);
    switch (lua_type(L, index)) {
    case LUA_TTABLE:
        return look_up(L, s, index, find_module, NAMES_OF_MODULES, out_length);
    case LUA_TFUNCTION: return look_up(L, s, index, find, NAMES_OF_ALL, out_length);
    default: return NULL;
    }
}

const char *lagoon__place_of(lua_State *L, struct script *s, int index,
                             size_t *out_length)
{
    return look_up(L, s, absolute(L, index), find_place, NAMES_OF_ALL, out_length);
}

// -- from names to values --

static _Noreturn void raise_missing(lua_State *L, const char *module, const char *place,
                                    size_t length)
{
    char path[PATH_SIZE];
    length = length < PATH_SIZE - 1 ? length : PATH_SIZE - 1;
    for (size_t i = 0; i < length; i++) {
        path[i] = place[i] != '\0' ? place[i] : '.';
    }
    path[length] = '\0';
    if (strcmp(module, "_G") == 0) {
        lagoon__raise(L, "there is no builtin function '%s' in this Lua state", path);
    }
    lagoon__raise(L, "module '%s' has no function '%s' in this Lua state", module, path);
}

// Pushes what is in the table on top, instead of that.
static void step_into(lua_State *L, const char *part, size_t length)
{
    lua_pushlstring(L, part, length);
    lua_rawget(L, -2);
    lua_remove(L, -2);
}

// While a module is being loaded its entry is a mark, which `require` knows.
static void push_module(lua_State *L, struct script *s, const char *name, size_t length)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.loaded);
    step_into(L, name, length);
    if (lua_toboolean(L, -1) && !lagoon__is_loading_mark(L)) {
        return;
    }
    lua_pop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.builtins);
    step_into(L, "require", sizeof "require" - 1);
    lua_pushlstring(L, name, length);
    lua_call(L, 1, 1);
}

static void push_root(lua_State *L, struct script *s, const char *name, size_t length)
{
    if (length == 2 && memcmp(name, "_G", 2) == 0) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.builtins);
    } else {
        push_module(L, s, name, length);
    }
}

void lagoon__push_named(lua_State *L, struct script *s, const char *name, size_t length)
{
    lagoon__check_room(L, 8, "no room for a name");
    const char *end = name + length;
    const char *stop = memchr(name, '\0', length);
    if (stop == NULL) {
        push_module(L, s, name, length);
        return;
    }
    const char *place = stop + 1;
    push_root(L, s, name, (size_t)(stop - name));
    while (stop < end && lua_istable(L, -1)) {
        const char *part = stop + 1;
        stop = memchr(part, '\0', (size_t)(end - part));
        stop = stop != NULL ? stop : end;
        step_into(L, part, (size_t)(stop - part));
    }
    if (stop < end || !(lua_isfunction(L, -1) || lua_istable(L, -1))) {
        raise_missing(L, name, place, (size_t)(end - place));
    }
}

// -- builtins --

bool lagoon__is_builtin(lua_State *L, struct script *s, const char *global, size_t length,
                        int index)
{
    index = absolute(L, index);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.builtins);
    step_into(L, global, length);
    bool is_same = !lua_isnil(L, -1) && lua_rawequal(L, -1, index);
    lua_pop(L, 1);
    return is_same;
}

// Whether a global, at the top below its name, comes with Lua. In a host there may be
// others by now, which a state of ours does not have.
static bool comes_with_lua(lua_State *L)
{
    switch (lua_type(L, -1)) {
    case LUA_TFUNCTION: lua_pushvalue(L, -1); return lagoon__is_native(L);
    case LUA_TTABLE: return lagoon__is_library(lua_tostring(L, -2));
    default: return strcmp(lua_tostring(L, -2), "_VERSION") == 0;
    }
}

static void note_globals(lua_State *L, int builtins)
{
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        if (lua_type(L, -2) == LUA_TSTRING && comes_with_lua(L)) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, builtins);
        } else {
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

void lagoon__replace_builtin(lua_State *L, struct script *s, const char *name)
{
    lua_getfield(L, -1, name);
    lua_pushvalue(L, -1);
    lua_setglobal(L, name);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.builtins);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

void lagoon__names_init(lua_State *L, struct script *s)
{
    lagoon__check_room(L, 8, "no room to load lagoon");
    luaL_findtable(L, LUA_REGISTRYINDEX, "_LOADED", 16);
    s->refs.loaded = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_createtable(L, 0, 48);
    note_globals(L, lua_gettop(L));
    s->refs.builtins = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    s->refs.names = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    s->refs.loading = luaL_ref(L, LUA_REGISTRYINDEX);
}
