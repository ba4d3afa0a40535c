// SPDX-License-Identifier: MIT
#include "class.h"

#include <lauxlib.h>
#include <stdatomic.h>
#include <string.h>

#include "classcopy.h"
#include "classtab.h"
#include "fail.h"
#include "state.h"
#include "task.h"

const struct share_ops lagoon__class_ops = {.size_bytes = sizeof(struct class)};

static void check_arguments(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TSTRING) {
        lagoon__raise_argument(L, 1, "class", "string expected, got %s",
                               lagoon__type_name(L, 1));
    }
    if (lua_objlen(L, 1) == 0) {
        lagoon__raise_argument(L, 1, "class", "the name is empty");
    }
    if (!lua_istable(L, 2)) {
        lagoon__raise_argument(L, 2, "class", "table expected, got %s",
                               lagoon__type_name(L, 2));
    }
}

// Pushes what reload_classes() has been given as `who`, if it was by this goroutine: its task, or
// true outside of goroutines. Or nil: a goroutine without a task has not called it.
static void push_who(lua_State *L, struct script *s)
{
    const struct script_g *sg = lg_extra_self();
    if (sg == NULL || sg->script != s) {
        lua_pushboolean(L, 1);
    } else if (sg->task != NULL) {
        lagoon__push_kept(L, s, sg->task->slot);
    } else {
        lua_pushnil(L);
    }
}

// In a goroutine that loads a module anew, another metatable for a name is for lagoon.reload to
// bring into the old one.
static bool note_renewed(lua_State *L, struct script *s)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.renewed);
    push_who(L, s);
    lua_rawget(L, -2);
    size_t length;
    const char *name = lua_tolstring(L, 1, &length);
    bool is_other = false;
    if (lua_istable(L, -1)) {
        lagoon__class_push_table(L, s, name, length);
        is_other = !lua_isnil(L, -1) && !lua_rawequal(L, -1, 2);
    }
    if (is_other) {
        lua_pushvalue(L, 2);
        lua_rawset(L, -3);
    }
    lua_settop(L, 2);
    return is_other;
}

// Raises if the table at 2 has another name, or the name at 1 another table.
static void check_free(lua_State *L, struct script *s)
{
    size_t length;
    const char *name = lua_tolstring(L, 1, &length);
    struct class *class = lagoon__class_push(L, s, 2);
    if (class != NULL) {
        size_t other_length;
        const char *other =
            lagoon__class_name(lagoon__class_shared(class), &other_length);
        if (other_length != length || memcmp(name, other, length) != 0) {
            lagoon__raise(L, "the metatable is already class '%s'", other);
        }
    }
    lagoon__class_push_table(L, s, name, length);
    if (!lua_isnil(L, -1) && !lua_rawequal(L, -1, 2)) {
        struct class *other = lagoon__class_push(L, s, lua_gettop(L));
        if (other != NULL && !other->is_received) {
            lagoon__raise(L, "class '%s' is already another metatable", name);
        }
    }
    lua_settop(L, 2);
}

static int declare(lua_State *L)
{
    struct script *s = lagoon__script(L);
    check_arguments(L);
    lua_settop(L, 2);
    if (note_renewed(L, s)) {
        return 1;
    }
    check_free(L, s);
    struct class *class = lagoon__class_push(L, s, 2);
    if (class == NULL) {
        size_t length;
        const char *name = lua_tolstring(L, 1, &length);
        struct shared *shared;
        class = lagoon__shared_new(L, s, KIND_CLASS, &shared);
        lagoon__class_keep(L, s, &shared->data, name, length);
        // relaxed: nobody else knows it yet
        atomic_store_explicit(&shared->word, length, memory_order_relaxed);
    }
    lagoon__class_enter(L, s, 2);
    class->is_received = false;
    lua_settop(L, 2);
    return 1;
}

struct shared *lagoon__class_of(lua_State *L, struct script *s, int index)
{
    if (!lagoon__filter_has(&s->class_filter, lua_topointer(L, index))) {
        return NULL;
    }
    index = index > 0 ? index : lua_gettop(L) + index + 1;
    struct class *class = lagoon__class_push(L, s, index);
    struct shared *shared = class != NULL ? lagoon__class_shared(class) : NULL;
    if (class != NULL) {
        lagoon__class_prepare(L, s, index);
    }
    lua_pop(L, 1);
    return shared;
}

void lagoon__push_class(lua_State *L, struct script *s, struct shared *shared)
{
    size_t length;
    const char *name = lagoon__class_name(shared, &length);
    lagoon__check_room(L, LUA_MINSTACK, "no room for a class");
    lagoon__class_push_table(L, s, name, length);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lagoon__class_receive(L, s, shared);
        lagoon__class_push_table(L, s, name, length);
    }
}

// --

void lagoon__open_class(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"class", declare}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}

void lagoon__class_init(lua_State *L, struct script *s)
{
    lua_newtable(L);
    s->refs.class_tables = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k"); // a task that was killed does not take itself out
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    s->refs.renewed = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    s->refs.class_objects = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.classes[KIND_CLASS]);
    lua_pushcfunction(L, lagoon__shared_finalise);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
