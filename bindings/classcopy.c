// SPDX-License-Identifier: MIT
#include "classcopy.h"

#include <lauxlib.h>
#include <stdatomic.h>
#include <string.h>

#include "class.h"
#include "classtab.h"
#include "fail.h"
#include "names.h"
#include "parcel.h"
#include "state.h"
#include "worker.h"

static enum class_state state_of(struct shared *shared)
{
    // acquire: pairs with the release in settle(); what it tells of is in place
    return atomic_load_explicit(&shared->flags, memory_order_acquire);
}

static void settle(struct shared *shared, enum class_state state)
{
    // release: pairs with the acquire in state_of(); publishes `more` and word2
    atomic_store_explicit(&shared->flags, state, memory_order_release);
}

static const char *text_of(struct shared *shared, size_t *out_length)
{
    // relaxed: set before state_of() told of it
    *out_length = atomic_load_explicit(&shared->word2, memory_order_relaxed);
    return shared->more;
}

static void keep_more(lua_State *L, struct script *s, struct shared *shared,
                      const char *text, size_t length)
{
    lagoon__class_keep(L, s, &shared->more, text, length);
    // relaxed: settle() publishes it
    atomic_store_explicit(&shared->word2, length, memory_order_relaxed);
}

// -- sending --

static void copy_entries(lua_State *L, int from, int to)
{
    lua_pushnil(L);
    while (lua_next(L, from) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, to);
    }
}

// Pushes a table like the metatable at 1, which is not that class, and what its own
// metatable is like, or nil: a class inherits by a metatable that hardly has a name.
static void push_copies(lua_State *L, struct script *s)
{
    lua_newtable(L);
    int copy = lua_gettop(L);
    copy_entries(L, 1, copy);
    if (!lua_getmetatable(L, 1)) {
        lua_pushnil(L);
    } else if (lagoon__class_of(L, s, -1) != NULL) {
        lua_setmetatable(L, copy);
        lua_pushnil(L);
    } else {
        lua_newtable(L);
        copy_entries(L, copy + 1, copy + 2);
        lua_remove(L, copy + 1);
    }
}

// (metatable, userdata): encodes the contents. What mentions the class therein mentions
// the shared object.
static int encode_contents(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct shared *shared = lagoon__class_shared(lua_touserdata(L, 2));
    lagoon__check_room(L, LUA_MINSTACK, "no room for a class");
    push_copies(L, s);
    struct value value;
    lagoon__encode_all(L, s, 3, 2, ROUTE_VALUE, &value);
    lagoon__gc_set(&shared->more, value.ptr);
    uint64_t word;
    memcpy(&word, &value, sizeof word);
    // relaxed: settle() publishes it
    atomic_store_explicit(&shared->word2, word, memory_order_relaxed);
    settle(shared, CLASS_SENT);
    return 0;
}

// Remembers why the contents cannot be sent, and pops that; raises it if it is
// something that another time may go well.
static void refuse(lua_State *L, struct script *s, struct shared *shared)
{
    const char *why = lua_tostring(L, -1);
    why = why != NULL ? strstr(why, "cannot send") : NULL;
    if (why != NULL) {
        keep_more(L, s, shared, why, strlen(why));
        settle(shared, CLASS_REFUSED);
        lua_pop(L, 1);
    } else {
        lua_error(L);
    }
}

static void call_with(lua_State *L, struct script *s, lua_CFunction f)
{
    lua_pushlightuserdata(L, s);
    lua_pushcclosure(L, f, 1);
}

// Finds out how the class at an index, whose userdata is on top, is to travel.
void lagoon__class_prepare(lua_State *L, struct script *s, int index)
{
    struct class *class = lua_touserdata(L, -1);
    struct shared *shared = lagoon__class_shared(class);
    if (class->is_making || state_of(shared) != CLASS_BARE) {
        return;
    }
    lagoon__check_room(L, LUA_MINSTACK, "no room for a class");
    size_t length;
    const char *name = lagoon__name_of(L, s, index, &length);
    name = name != NULL ? name : lagoon__place_of(L, s, index, &length);
    if (name != NULL) {
        keep_more(L, s, shared, name, length);
        settle(shared, CLASS_NAMED);
        return;
    }
    call_with(L, s, encode_contents);
    lua_pushvalue(L, index);
    lua_pushvalue(L, -3);
    class->is_making = true;
    int rc = lua_pcall(L, 2, 0, 0);
    class->is_making = false;
    if (rc != 0) {
        refuse(L, s, shared);
    }
}

// -- receiving --

// Makes the table on top the metatable of a class that has none here.
static struct class *enter_received(lua_State *L, struct script *s, struct shared *shared)
{
    int index = lua_gettop(L);
    lagoon__push_shared(L, s, shared);
    struct class *class = lua_touserdata(L, -1);
    class->is_received = true;
    lagoon__class_enter(L, s, index);
    lua_pop(L, 1);
    return class;
}

// Where the module itself has told of the class meanwhile, that counts.
static void receive_named(lua_State *L, struct script *s, struct shared *shared)
{
    size_t length;
    size_t class_length;
    const char *name = text_of(shared, &length);
    const char *class = lagoon__class_name(shared, &class_length);
    lagoon__push_named(L, s, name, length);
    if (!lua_istable(L, -1)) {
        lagoon__raise(L, "cannot receive a '%s': what module '%s' has for it is a %s",
                      class, name, lagoon__type_name(L, -1));
    }
    lagoon__class_push_table(L, s, class, class_length);
    bool is_told = !lua_isnil(L, -1);
    lua_pop(L, 1);
    if (!is_told) {
        enter_received(L, s, shared);
    }
    lua_pop(L, 1);
}

// (metatable, userdata): decodes the contents.
static int decode_contents(lua_State *L)
{
    struct shared *shared = lagoon__class_shared(lua_touserdata(L, 2));
    struct value value = {.ptr = shared->more};
    // relaxed: set before state_of() told of it
    uint64_t word = atomic_load_explicit(&shared->word2, memory_order_relaxed);
    memcpy(&value, &word, sizeof word);
    lagoon__check_room(L, LUA_MINSTACK, "no room for a class");
    if (lagoon__decode_all(L, lagoon__script(L), value) != 2 || !lua_istable(L, 3)) {
        lagoon__raise(L, "a class that is none");
    }
    copy_entries(L, 3, 1);
    if (lua_istable(L, 4) || lua_getmetatable(L, 3)) {
        lua_setmetatable(L, 1);
    }
    return 0;
}

// Takes a class back that has not got its contents, if it still has the table at an
// index.
static void forget(lua_State *L, struct script *s, struct class *class, int index)
{
    size_t length;
    const char *name = lagoon__class_name(lagoon__class_shared(class), &length);
    lagoon__class_push_table(L, s, name, length);
    if (lua_rawequal(L, -1, index)) {
        lua_pushnil(L);
        lagoon__class_set_table(L, s, class, lua_gettop(L));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

// The metatable is there before its contents, which may mention it. Its functions have
// an environment of their own: they stay when the task has ended that was the first.
static void receive_contents(lua_State *L, struct script *s, struct shared *shared)
{
    lua_newtable(L);
    int index = lua_gettop(L);
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    if (s->worker != NULL) {
        lagoon__worker_push_env(L, s);
    } else {
        lua_pushvalue(L, LUA_GLOBALSINDEX);
    }
    call_with(L, s, decode_contents);
    lua_pushvalue(L, index);
    struct class *class = enter_received(L, s, shared);
    lagoon__class_push(L, s, index);
    lua_pushvalue(L, index + 2);
    lua_replace(L, LUA_GLOBALSINDEX);
    int rc = lua_pcall(L, 2, 0, 0);
    lua_pushvalue(L, index + 1);
    lua_replace(L, LUA_GLOBALSINDEX);
    if (rc != 0) {
        forget(L, s, class, index);
        lua_error(L);
    }
    lua_settop(L, index - 1);
}

void lagoon__class_receive(lua_State *L, struct script *s, struct shared *shared)
{
    size_t length;
    const char *name = lagoon__class_name(shared, &length);
    switch (state_of(shared)) {
    case CLASS_NAMED: receive_named(L, s, shared); break;
    case CLASS_SENT: receive_contents(L, s, shared); break;
    case CLASS_REFUSED:
        lagoon__raise(L,
                      "cannot receive a '%s': this Lua state has no such class, and its "
                      "metatable could not be sent: %s",
                      name, text_of(shared, &length));
    case CLASS_BARE:
        lagoon__raise(L,
                      "cannot receive a '%s': this Lua state has no such class, and its "
                      "metatable is still being sent",
                      name);
    }
}
