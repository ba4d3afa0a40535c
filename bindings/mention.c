// SPDX-License-Identifier: MIT
//
// Mentions of what is no plain value. The first one of an object decides how it travels.
#include <lualib.h>

#include "cdata.h"
#include "class.h"
#include "closure.h"
#include "encode.h"
#include "names.h"
#include "rebuild.h"

static void put_again(struct encoder *e, const struct node *node)
{
    lagoon__encode_tag(e, TEXT_AGAIN, node->number);
    lua_pop(e->L, 1);
}

// False: it has no name.
static bool put_name(struct encoder *e, const void *key)
{
    size_t length;
    const char *name = lagoon__name_of(e->L, e->s, lua_gettop(e->L), &length);
    if (name == NULL) {
        return false;
    }
    lagoon__encode_tag(e, TEXT_NAMED, length);
    lagoon__encode_room(e, length);
    e->at = lagoon__text_put(e->at, name, length);
    lagoon__encode_add_object(e, key, NODE_NAMED);
    lua_pop(e->L, 1);
    return true;
}

static void put_plain(struct encoder *e, const void *key)
{
    struct node *node = lagoon__encode_add_object(e, key, NODE_TABLE);
    lagoon__encode_room(e, TEXT_SIZES_BYTES);
    node->offset = lagoon__encode_offset(e);
    memset(e->at, 0, TEXT_SIZES_BYTES);
    e->at += TEXT_SIZES_BYTES;
    lua_pop(e->L, 1);
}

// A class whose instances are known to have no hook.
enum { PLAIN_INSTANCES = 1 };

// Of the table on top, whose metatable, no class's, is above it.
static _Noreturn void refuse_table(struct encoder *e)
{
    lua_State *L = e->L;
    lua_pushliteral(L, "__name");
    lua_rawget(L, -2);
    const char *what = "table whose metatable lagoon.class does not know";
    if (lua_type(L, -1) == LUA_TSTRING) {
        what = lua_tostring(L, -1);
    }
    lua_replace(L, -2);
    lua_insert(L, -2); // what keeps its name below the table
    lagoon__encode_refuse(e, what, "");
}

// The class of the table on top, whose metatable is above it; false: it is rebuilt.
static bool put_class(struct encoder *e, const void *key)
{
    lua_State *L = e->L;
    const void *meta = lua_topointer(L, -1);
    struct node *known = lagoon__encode_find(e, meta, 0);
    if (known != NULL && known->kind == NODE_CLASS && known->which == PLAIN_INSTANCES) {
        lagoon__encode_tag(e, TEXT_INSTANCE, known->number);
        return true;
    }
    if (lagoon__rebuild_encode(e, key)) {
        return false;
    }
    struct shared *class = lagoon__class_of(L, e->s, lua_gettop(L));
    if (class == NULL) {
        refuse_table(e);
    }
    lagoon__encode_tag(e, TEXT_INSTANCE,
                       lagoon__encode_refer(e, meta, class, NODE_CLASS));
    lagoon__encode_find(e, meta, 0)->which = PLAIN_INSTANCES;
    return true;
}

// False: the table on top is no class's metatable.
static bool put_metatable(struct encoder *e, const void *key)
{
    const struct node *known = lagoon__encode_find(e, key, 0);
    uint32_t number = known != NULL ? known->number : 0;
    if (known == NULL || known->kind != NODE_CLASS) {
        struct shared *class = lagoon__class_of(e->L, e->s, lua_gettop(e->L));
        if (class == NULL) {
            return false;
        }
        number = lagoon__encode_refer(e, key, class, NODE_CLASS);
    }
    lagoon__encode_tag(e, TEXT_CLASS, number);
    lua_pop(e->L, 1);
    return true;
}

static void put_table(struct encoder *e)
{
    lua_State *L = e->L;
    const void *key = lua_topointer(L, -1);
    if (lagoon__filter_has(&e->s->class_filter, key) && put_metatable(e, key)) {
        return;
    }
    const struct node *known = lagoon__encode_find(e, key, e->space);
    lagoon__encode_room(e, 1);
    if (known != NULL) {
        put_again(e, known);
    } else if (key == e->globals || key == e->state_globals) {
        *e->at++ = TEXT_GLOBALS;
        lua_pop(L, 1);
    } else if (put_name(e, key)) {
        return;
    } else if (!lua_getmetatable(L, -1)) {
        *e->at++ = TEXT_TABLE;
        put_plain(e, key);
    } else {
        bool is_instance = put_class(e, key);
        lua_pop(L, 1);
        if (is_instance) {
            put_plain(e, key);
        } else {
            lua_pop(L, 1);
        }
    }
}

static void put_function(struct encoder *e)
{
    const void *key = lua_topointer(e->L, -1);
    const struct node *known = lagoon__encode_find(e, key, e->space);
    if (known != NULL) {
        put_again(e, known);
    } else if (put_name(e, key)) {
        return;
    } else if (lua_iscfunction(e->L, -1)) {
        lagoon__encode_refuse(e, "C function", "");
    } else {
        lagoon__closure_encode(e, key);
        lua_pop(e->L, 1);
    }
}

// A buffer that is moved is so at its first mention.
static void put_ours(struct encoder *e, enum kind kind, const void *key)
{
    const struct node *known = lagoon__encode_find(e, key, 0);
    if (known == NULL && kind == KIND_MOVE) {
        lagoon__encode_tag(e, TEXT_MOVED, lagoon__encode_refer(e, key, NULL, NODE_MOVED));
        e->nmoves++;
    } else if (known != NULL || lagoon__is_shareable(kind)) {
        lagoon__encode_tag(e, TEXT_SHARED,
                           lagoon__encode_refer(e, key, NULL, NODE_SHARED));
    } else {
        lagoon__encode_refuse(e, lagoon__kind_name(kind), "");
    }
    lua_pop(e->L, 1);
}

static void put_foreign(struct encoder *e, const void *key)
{
    lua_State *L = e->L;
    const struct node *known = lagoon__encode_find(e, key, e->space);
    if (known != NULL) {
        put_again(e, known);
        return;
    }
    if (!lua_getmetatable(L, -1)) {
        lagoon__encode_refuse(e, "userdata", "");
    }
    if (!lagoon__rebuild_encode(e, key)) {
        lua_getfield(L, LUA_REGISTRYINDEX, LUA_FILEHANDLE);
        bool is_file = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
        lagoon__encode_refuse(e, is_file ? "file" : "userdata", "");
    }
    lua_pop(L, 2);
}

static void put_userdata(struct encoder *e)
{
    // One of no size ends where its neighbour may begin.
    const void *key = (const char *)lua_touserdata(e->L, -1) - 1;
    enum kind kind;
    if (lagoon__object_any(e->L, -1, &kind)) {
        put_ours(e, kind, key);
    } else {
        put_foreign(e, key);
    }
}

static void put_wide(struct encoder *e)
{
    bool is_unsigned;
    uint64_t bits;
    if (!lagoon__cdata_wide(e->L, lua_gettop(e->L), &is_unsigned, &bits)) {
        lagoon__encode_refuse(e, "cdata", "");
    }
    lagoon__encode_room(e, 1 + sizeof bits);
    *e->at++ = is_unsigned ? TEXT_UINT64 : TEXT_INT64;
    e->at = lagoon__text_put(e->at, &bits, sizeof bits);
    lua_pop(e->L, 1);
}

void lagoon__encode_mention(struct encoder *e)
{
    switch (lua_type(e->L, -1)) {
    case LUA_TTABLE: put_table(e); break;
    case LUA_TFUNCTION: put_function(e); break;
    case LUA_TUSERDATA: put_userdata(e); break;
    case LUA_TTHREAD: lagoon__encode_refuse(e, "coroutine", "");
    case LUA_TLIGHTUSERDATA: lagoon__encode_refuse(e, "light userdata", "");
    default: put_wide(e); break;
    }
}
