// SPDX-License-Identifier: MIT
#include "class.h"

#include <lauxlib.h>
#include <stdatomic.h>
#include <string.h>

#include "fail.h"
#include "names.h"
#include "parcel.h"
#include "state.h"

// The userdata by which a state knows a class.
struct class
{
    struct object object;
    bool is_received; // the sender's metatable, until there is one of ours
    bool is_making;   // its contents are being encoded
};

const struct share_ops lagoon__class_ops = {.size_bytes = sizeof(struct class)};

static struct shared *shared_of(struct class *class)
{
    return lg_handle_get(class->object.handle);
}

static enum class_state state_of(struct shared *shared)
{
    // acquire: pairs with the release in settle(); what it tells of is in place
    return atomic_load_explicit(&shared->flags, memory_order_acquire);
}

static const char *name_of(struct shared *shared, size_t *out_length)
{
    // relaxed: never changes once another can see it
    *out_length = atomic_load_explicit(&shared->word, memory_order_relaxed);
    return shared->data;
}

static const char *text_of(struct shared *shared, size_t *out_length)
{
    // relaxed: set before state_of() told of it
    *out_length = atomic_load_explicit(&shared->word2, memory_order_relaxed);
    return shared->more;
}

static void settle(struct shared *shared, enum class_state state)
{
    // release: pairs with the acquire in state_of(); publishes `more` and word2
    atomic_store_explicit(&shared->flags, state, memory_order_release);
}

// Keeps a text in an object of the collector, with a zero behind it.
static void keep_text(lua_State *L, struct script *s, void **slot, const char *text,
                      size_t length)
{
    void *bytes = lagoon__gc_new_kept(L, s, s->types.bytes, length + 1);
    memcpy(bytes, text, length);
    lagoon__gc_set(slot, bytes);
    lua_pop(L, 1);
}

static void keep_more(lua_State *L, struct script *s, struct shared *shared,
                      const char *text, size_t length)
{
    keep_text(L, s, &shared->more, text, length);
    // relaxed: settle() publishes it
    atomic_store_explicit(&shared->word2, length, memory_order_relaxed);
}

// -- what a state has --

// Pushes the metatable of a name, or nil.
static void push_table(lua_State *L, struct script *s, const char *name, size_t length)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.class_tables);
    lua_pushlstring(L, name, length);
    lua_rawget(L, -2);
    lua_remove(L, -2);
}

// Pushes the userdata of the class of the table at an index, or nil.
static struct class *push_class(lua_State *L, struct script *s, int index)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.class_objects);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    return lua_touserdata(L, -1);
}

// Makes the table at an index, or nil, what the name of a class stands for.
static void set_table(lua_State *L, struct script *s, struct class *class, int index)
{
    size_t length;
    const char *name = name_of(shared_of(class), &length);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.class_tables);
    lua_pushlstring(L, name, length);
    lua_pushvalue(L, index);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

// Makes the table at an index the metatable of the class whose userdata is on top.
static void enter(lua_State *L, struct script *s, int index)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.class_objects);
    lua_pushvalue(L, index);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    s->has_classes = true;
    set_table(L, s, lua_touserdata(L, -1), index);
}

// -- lagoon.class() --

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

// Raises if the table at 2 has another name, or the name at 1 another table.
static void check_free(lua_State *L, struct script *s)
{
    size_t length;
    const char *name = lua_tolstring(L, 1, &length);
    struct class *class = push_class(L, s, 2);
    if (class != NULL) {
        size_t other_length;
        const char *other = name_of(shared_of(class), &other_length);
        if (other_length != length || memcmp(name, other, length) != 0) {
            lagoon__raise(L, "the metatable is already class '%s'", other);
        }
    }
    push_table(L, s, name, length);
    if (!lua_isnil(L, -1) && !lua_rawequal(L, -1, 2) &&
        !push_class(L, s, lua_gettop(L))->is_received) {
        lagoon__raise(L, "class '%s' is already another metatable", name);
    }
    lua_settop(L, 2);
}

static int declare(lua_State *L)
{
    struct script *s = lagoon__script(L);
    check_arguments(L);
    lua_settop(L, 2);
    check_free(L, s);
    struct class *class = push_class(L, s, 2);
    if (class == NULL) {
        size_t length;
        const char *name = lua_tolstring(L, 1, &length);
        struct shared *shared;
        class = lagoon__shared_new(L, s, KIND_CLASS, &shared);
        keep_text(L, s, &shared->data, name, length);
        // relaxed: nobody else knows it yet
        atomic_store_explicit(&shared->word, length, memory_order_relaxed);
    }
    enter(L, s, 2);
    class->is_received = false;
    lua_settop(L, 2);
    return 1;
}

// -- sending --

// Pushes a table like the one at an index, which is not that class.
static void push_copy(lua_State *L, int index)
{
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    if (lua_getmetatable(L, index)) {
        lua_setmetatable(L, -2);
    }
}

// (metatable, userdata): encodes the contents. What mentions the class therein mentions
// the shared object.
static int encode_contents(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct shared *shared = shared_of(lua_touserdata(L, 2));
    luaL_checkstack(L, LUA_MINSTACK, "no room for a class");
    push_copy(L, 1);
    struct value value;
    lagoon__encode_all(L, s, 3, 1, ROUTE_VALUE, &value);
    lagoon__gc_set(&shared->more, value.ptr);
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
static void prepare(lua_State *L, struct script *s, int index)
{
    struct class *class = lua_touserdata(L, -1);
    struct shared *shared = shared_of(class);
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

struct shared *lagoon__class_of(lua_State *L, struct script *s, int index)
{
    if (!s->has_classes) {
        return NULL;
    }
    index = index > 0 ? index : lua_gettop(L) + index + 1;
    struct class *class = push_class(L, s, index);
    struct shared *shared = class != NULL ? shared_of(class) : NULL;
    if (class != NULL && !class->is_making && state_of(shared) == CLASS_BARE) {
        luaL_checkstack(L, LUA_MINSTACK, "no room for a class");
        prepare(L, s, index);
    }
    lua_pop(L, 1);
    return shared;
}

// -- receiving --

// Makes the table on top the metatable of a class that has none here.
static struct class *enter_received(lua_State *L, struct script *s, struct shared *shared)
{
    int index = lua_gettop(L);
    lagoon__push_shared(L, s, shared);
    struct class *class = lua_touserdata(L, -1);
    class->is_received = true;
    enter(L, s, index);
    lua_pop(L, 1);
    return class;
}

// Where the module itself has told of the class meanwhile, that counts.
static void receive_named(lua_State *L, struct script *s, struct shared *shared)
{
    size_t length;
    size_t class_length;
    const char *name = text_of(shared, &length);
    const char *class = name_of(shared, &class_length);
    lagoon__push_named(L, s, name, length);
    if (!lua_istable(L, -1)) {
        lagoon__raise(L, "cannot receive a '%s': what module '%s' has for it is a %s",
                      class, name, lagoon__type_name(L, -1));
    }
    push_table(L, s, class, class_length);
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
    struct shared *shared = shared_of(lua_touserdata(L, 2));
    struct value value = lagoon__value_of_tag(VALUE_PARCEL);
    value.ptr = shared->more;
    luaL_checkstack(L, LUA_MINSTACK, "no room for a class");
    if (lagoon__decode_all(L, lagoon__script(L), value) != 1 || !lua_istable(L, 3)) {
        lagoon__raise(L, "a class that is none");
    }
    lua_pushnil(L);
    while (lua_next(L, 3) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, 1);
    }
    if (lua_getmetatable(L, 3)) {
        lua_setmetatable(L, 1);
    }
    return 0;
}

// The metatable is there before its contents, which may mention it.
static void receive_contents(lua_State *L, struct script *s, struct shared *shared)
{
    lua_newtable(L);
    int index = lua_gettop(L);
    struct class *class = enter_received(L, s, shared);
    call_with(L, s, decode_contents);
    lua_pushvalue(L, index);
    push_class(L, s, index);
    if (lua_pcall(L, 2, 0, 0) != 0) {
        lua_pushnil(L);
        set_table(L, s, class, lua_gettop(L));
        lua_pop(L, 1);
        lua_error(L);
    }
    lua_pop(L, 1);
}

static void receive(lua_State *L, struct script *s, struct shared *shared)
{
    size_t length;
    const char *name = name_of(shared, &length);
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

void lagoon__push_class(lua_State *L, struct script *s, struct shared *shared)
{
    size_t length;
    const char *name = name_of(shared, &length);
    luaL_checkstack(L, LUA_MINSTACK, "no room for a class");
    push_table(L, s, name, length);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        receive(L, s, shared);
        push_table(L, s, name, length);
    }
}

// --

void lagoon__open_class(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"class", declare}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lua_newtable(L);
    s->refs.class_tables = luaL_ref(L, LUA_REGISTRYINDEX);
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
