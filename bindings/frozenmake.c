// SPDX-License-Identifier: MIT
//
// Freezing: level by level through the tables, so that depth costs no stack. Each table
// has its node from the moment it is mentioned, which is filled when its turn comes, so
// that cycles need no care.
//
// A node is reachable as soon as it is made: from the one that mentions it, and all from
// the first one, which has a userdata. No Lua code runs while a table is being read
// (nothing here that is called meanwhile collects garbage); what is written is checked
// against what was counted all the same.
#include <lauxlib.h>
#include <lualib.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "cdata.h"
#include "fail.h"
#include "frozen.h"
#include "frozennode.h"
#include "frozenway.h"
#include "leg.h"
#include "state.h"

enum { ROOM = 16 };

// Where things stand on the stack of L.
enum {
    TABLE = 1, // what is to be frozen
    RESULT,    // the userdata
    NODES,     // table -> light userdata of its node
    TEXTS,     // string -> light userdata of its text
    QUEUE,     // list: the tables, and behind each light userdata of its node
    PARENTS,   // list: which table in the queue mentioned it first
    KEYS,      // list: under which key
    LATER,     // list: userdata to be shared, light userdata of the place to fill
    NOW,       // the table that is being read
};

struct freezer {
    lua_State *L;
    struct script *s;
    int nqueued;
    int at; // in the queue
    int nlater;
    size_t size_bytes; // of all that was made
};

// A node's parts while it is filled.
struct parts {
    struct value *cells;
    size_t narray;
    size_t nentries;
    size_t length;
};

// -- refusal --

// What cannot be frozen stands in the table that is being read, under the key at an
// index, or as a key itself: 0; or it is the table.
static _Noreturn void refuse(struct freezer *f, int key, const char *what)
{
    char path[LEGS_SIZE];
    struct frozen_way way = {.parents = PARENTS, .keys = KEYS, .table = f->at};
    lagoon__check_room(f->L, ROOM, "no room for a message");
    lagoon__frozen_way(f->L, &way, key, path);
    if (path[0] == '\0') {
        lagoon__raise(f->L, "cannot freeze a %s", what);
    }
    lagoon__raise(f->L, "cannot freeze a %s (at %s)", what, path);
}

// -- memory --

// An array of n elements, which a slot of an object refers to from here on.
static void *make(struct freezer *f, lg_type *type, size_t size_bytes, size_t n,
                  void *slot)
{
    lg_handle *handle;
    void *object = lagoon__gc_new(f->s, type, n, &handle);
    if (object == NULL) {
        lagoon__raise_memory(f->L);
    }
    lagoon__gc_set(slot, object);
    lg_handle_free(handle);
    f->size_bytes += n * size_bytes;
    return object;
}

// -- values --

// Keeps the value at an index, a node or a text, under the key at another one.
static void remember(lua_State *L, int table, int key, void *made)
{
    lua_pushvalue(L, key);
    lua_pushlightuserdata(L, made);
    lua_rawset(L, table);
}

static void *recall(lua_State *L, int table, int key)
{
    lua_pushvalue(L, key);
    lua_rawget(L, table);
    void *made = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return made;
}

static void put_text(struct freezer *f, int index, struct value *out)
{
    size_t length;
    const char *bytes = lua_tolstring(f->L, index, &length);
    struct value value = lagoon__frozen_text_key(bytes, length);
    out->number = value.number;
    struct frozen_text *text = recall(f->L, TEXTS, index);
    if (text != NULL) {
        lagoon__gc_set(&out->ptr, text);
        return;
    }
    text = make(f, f->s->types.bytes, 1, sizeof *text + length, &out->ptr);
    text->length = (uint32_t)length;
    memcpy(text->bytes, bytes, length);
    remember(f->L, TEXTS, index, text);
}

static void enqueue(struct freezer *f, int index, struct shared *node)
{
    lua_State *L = f->L;
    remember(L, NODES, index, node);
    f->nqueued++;
    lua_pushvalue(L, index);
    lua_rawseti(L, QUEUE, 2 * f->nqueued - 1);
    lua_pushlightuserdata(L, node);
    lua_rawseti(L, QUEUE, 2 * f->nqueued);
}

// The table at an index, mentioned under a key of the one that is being read.
static void put_table(struct freezer *f, int index, int key, struct value *out)
{
    lua_State *L = f->L;
    out->number = lagoon__value_of_tag(VALUE_SHARED).number;
    struct shared *node = recall(L, NODES, index);
    if (node != NULL) {
        lagoon__gc_set(&out->ptr, node);
        return;
    }
    if (lua_getmetatable(L, index)) {
        lua_pop(L, 1);
        refuse(f, key, "table with a metatable");
    }
    node = make(f, f->s->types.shared, sizeof *node, 1, &out->ptr);
    node->kind = KIND_FROZEN;
    enqueue(f, index, node);
    lua_pushinteger(L, f->at);
    lua_rawseti(L, PARENTS, f->nqueued);
    lua_pushvalue(L, key);
    lua_rawseti(L, KEYS, f->nqueued);
}

static bool is_file(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index)) {
        return false;
    }
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_FILEHANDLE);
    bool is_it = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is_it;
}

// What is shared already is referred to at once. The rest is shared when nothing can be
// refused any more: a channel is another one after that.
static void put_object(struct freezer *f, int index, int key, struct value *out)
{
    lua_State *L = f->L;
    enum kind kind;
    struct object *object = lagoon__object_any(L, index, &kind);
    if (object == NULL) {
        refuse(f, key, is_file(L, index) ? "file" : "userdata");
    }
    if (!lagoon__is_shareable(kind)) {
        refuse(f, key, lagoon__kind_name(kind));
    }
    struct shared *shared = lagoon__shared_of(object);
    out->number = lagoon__value_of_tag(VALUE_SHARED).number;
    if (shared != NULL) {
        lagoon__gc_set(&out->ptr, shared);
        return;
    }
    lua_pushvalue(L, index);
    lua_rawseti(L, LATER, ++f->nlater);
    lua_pushlightuserdata(L, out);
    lua_rawseti(L, LATER, ++f->nlater);
}

static void put_cdata(struct freezer *f, int index, int key, struct value *out)
{
    bool is_unsigned;
    uint64_t bits;
    if (!lagoon__cdata_wide(f->L, index, &is_unsigned, &bits)) {
        refuse(f, key, "cdata");
    }
    struct value value = {.ptr = NULL};
    value.tag = is_unsigned ? FROZEN_UINT64 : FROZEN_INT64;
    out->number = value.number;
    void *bytes = make(f, f->s->types.bytes, 1, sizeof bits, &out->ptr);
    memcpy(bytes, &bits, sizeof bits);
}

// Stores the value at an index, which stands under a key.
static void put(struct freezer *f, int index, int key, struct value *out)
{
    lua_State *L = f->L;
    switch (lua_type(L, index)) {
    case LUA_TNIL: out->number = lagoon__value_of_tag(VALUE_NIL).number; break;
    case LUA_TBOOLEAN:
        out->number =
            lagoon__value_of_tag(lua_toboolean(L, index) ? VALUE_TRUE : VALUE_FALSE)
                .number;
        break;
    case LUA_TNUMBER:
        out->number = lagoon__value_of_number(lua_tonumber(L, index)).number;
        break;
    case LUA_TSTRING: put_text(f, index, out); break;
    case LUA_TTABLE: put_table(f, index, key, out); break;
    case LUA_TUSERDATA: put_object(f, index, key, out); break;
    case LUA_TTHREAD: refuse(f, key, "coroutine");
    case LUA_TFUNCTION:
    case LUA_TLIGHTUSERDATA: refuse(f, key, luaL_typename(L, index));
    default: put_cdata(f, index, key, out); break;
    }
}

// -- a table --

// Whether a key, at an index, is one of the array's.
static bool is_within(lua_State *L, int key, size_t narray)
{
    if (lua_type(L, key) != LUA_TNUMBER) {
        return false;
    }
    double number = lua_tonumber(L, key);
    return number >= 1 && number <= (double)narray && (double)(size_t)number == number;
}

static void check_key(struct freezer *f, int key)
{
    int type = lua_type(f->L, key);
    if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN) {
        char what[64];
        snprintf(what, sizeof what, "table with a %s for a key",
                 lagoon__type_name(f->L, key));
        refuse(f, 0, what);
    }
}

// Where most of 1 to the length is there, that is the array part.
static void count(struct freezer *f, struct parts *out)
{
    lua_State *L = f->L;
    size_t nwithin = 0;
    size_t nothers = 0;
    out->length = lua_objlen(L, NOW);
    lua_pushnil(L);
    while (lua_next(L, NOW) != 0) {
        int key = lua_gettop(L) - 1;
        if (is_within(L, key, out->length)) {
            nwithin++;
        } else {
            check_key(f, key);
            nothers++;
        }
        lua_pop(L, 1);
    }
    bool is_dense = nwithin >= out->length / 2;
    out->narray = is_dense ? out->length : 0;
    out->nentries = is_dense ? nothers : nothers + nwithin;
}

static _Noreturn void raise_changed(struct freezer *f)
{
    lagoon__raise(f->L, "a table was changed while it was being frozen");
}

static void fill_array(struct freezer *f, struct parts *parts)
{
    lua_State *L = f->L;
    for (size_t i = 1; i <= parts->narray; i++) {
        lua_pushnumber(L, (double)i);
        lua_rawgeti(L, NOW, (int)i);
        int value = lua_gettop(L);
        put(f, value, value - 1, &parts->cells[i - 1]);
        lua_pop(L, 2);
    }
}

static void fill_entries(struct freezer *f, struct parts *parts)
{
    lua_State *L = f->L;
    struct value *cell = parts->cells + parts->narray;
    size_t n = 0;
    lua_pushnil(L);
    while (lua_next(L, NOW) != 0) {
        int value = lua_gettop(L);
        if (!is_within(L, value - 1, parts->narray)) {
            if (n++ == parts->nentries) {
                raise_changed(f);
            }
            put(f, value - 1, value - 1, cell++);
            put(f, value, value - 1, cell++);
        }
        lua_pop(L, 1);
    }
    if (n != parts->nentries) {
        raise_changed(f);
    }
}

static void publish(struct shared *node, const struct parts *parts)
{
    // relaxed: whoever sees the node has got it by way of a lock
    atomic_store_explicit(&node->flags, (uint32_t)parts->length, memory_order_relaxed);
    atomic_store_explicit(&node->word, parts->narray, memory_order_relaxed);
    atomic_store_explicit(&node->word2, parts->nentries, memory_order_relaxed);
}

static void make_index(struct freezer *f, struct shared *node)
{
    struct frozen_view view = lagoon__frozen_view(node);
    size_t size = lagoon__frozen_index_size(view.nentries);
    if (size > 0) {
        size_t size_bytes = size * sizeof(uint32_t);
        uint32_t *index = make(f, f->s->types.bytes, 1, size_bytes, &node->more);
        lagoon__frozen_fill_index(&view, index, size);
    }
}

// Fills the node of the table NOW.
static void fill(struct freezer *f, struct shared *node)
{
    struct parts parts;
    count(f, &parts);
    size_t n = parts.narray + 2 * parts.nentries;
    if (n > 0) {
        parts.cells = make(f, f->s->types.values, sizeof *parts.cells, n, &node->data);
        if (parts.narray > 0) {
            fill_array(f, &parts);
        }
        fill_entries(f, &parts);
    }
    publish(node, &parts);
    make_index(f, node);
}

// -- all of it --

static void share_later(struct freezer *f)
{
    for (int i = 1; i <= f->nlater; i += 2) {
        lua_rawgeti(f->L, LATER, i);
        struct shared *shared = lagoon__share(f->L, f->s, lua_gettop(f->L));
        lua_rawgeti(f->L, LATER, i + 1);
        struct value *value = lua_touserdata(f->L, -1);
        lagoon__gc_set(&value->ptr, shared);
        lua_pop(f->L, 2);
    }
}

static void freeze_all(struct freezer *f)
{
    lua_State *L = f->L;
    for (f->at = 1; f->at <= f->nqueued; f->at++) {
        lua_rawgeti(L, QUEUE, 2 * f->at - 1);
        lua_replace(L, NOW);
        lua_rawgeti(L, QUEUE, 2 * f->at);
        fill(f, lua_touserdata(L, -1));
        lua_pop(L, 1);
        lg_checkpoint();
    }
    f->at = 0;
    share_later(f);
}

static void begin(struct freezer *f)
{
    lua_State *L = f->L;
    lagoon__check_room(L, NOW + ROOM, "no room to freeze a table");
    if (lua_getmetatable(L, TABLE)) {
        lua_pop(L, 1);
        refuse(f, 0, "table with a metatable");
    }
    struct shared *node;
    struct frozen *frozen = lagoon__shared_new(L, f->s, KIND_FROZEN, &node);
    frozen->node = node;
    for (int i = NODES; i < NOW; i++) {
        lua_newtable(L);
    }
    lua_pushnil(L);
    enqueue(f, TABLE, node);
}

int lagoon__freeze(lua_State *L)
{
    struct freezer f = {.L = L, .s = lagoon__script(L)};
    lua_settop(L, 1);
    if (lagoon__object_at(L, TABLE, KIND_FROZEN)) {
        return 1;
    }
    if (!lua_istable(L, TABLE)) {
        lagoon__raise_argument(L, 1, "freeze", "table expected, got %s",
                               lagoon__type_name(L, TABLE));
    }
    begin(&f);
    freeze_all(&f);
    lua_settop(L, RESULT);
    lagoon__frozen_dress(L, lua_touserdata(L, RESULT));
    lagoon__hidden(L, f.s, f.size_bytes);
    return 1;
}
