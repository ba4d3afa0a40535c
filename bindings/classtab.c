// SPDX-License-Identifier: MIT
#include "classtab.h"

#include <stdatomic.h>
#include <string.h>

#include "state.h"

struct shared *lagoon__class_shared(struct class *class)
{
    return lg_handle_get(class->object.handle);
}

const char *lagoon__class_name(struct shared *shared, size_t *out_length)
{
    // relaxed: never changes once another can see it
    *out_length = atomic_load_explicit(&shared->word, memory_order_relaxed);
    return shared->data;
}

void lagoon__class_keep(lua_State *L, struct script *s, void **slot, const char *text,
                        size_t length)
{
    void *bytes = lagoon__gc_new_kept(L, s, s->types.bytes, length + 1);
    memcpy(bytes, text, length);
    lagoon__gc_set(slot, bytes);
    lua_pop(L, 1);
}

void lagoon__class_push_table(lua_State *L, struct script *s, const char *name,
                              size_t length)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.class_tables);
    lua_pushlstring(L, name, length);
    lua_rawget(L, -2);
    lua_remove(L, -2);
}

struct class *lagoon__class_push(lua_State *L, struct script *s, int index)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.class_objects);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    struct class *class = lua_touserdata(L, -1);
    // Not one that has been finalised, in a state that is being closed.
    return class != NULL && class->object.handle != NULL ? class : NULL;
}

void lagoon__class_set_table(lua_State *L, struct script *s, struct class *class,
                             int index)
{
    size_t length;
    const char *name = lagoon__class_name(lagoon__class_shared(class), &length);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.class_tables);
    lua_pushlstring(L, name, length);
    lua_pushvalue(L, index);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

void lagoon__class_enter(lua_State *L, struct script *s, int index)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.class_objects);
    lua_pushvalue(L, index);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    lagoon__filter_add(&s->class_filter, lua_topointer(L, index));
    lagoon__class_set_table(L, s, lua_touserdata(L, -1), index);
}
