// SPDX-License-Identifier: MIT
#include "closure.h"

#include "class.h"
#include "code.h"
#include "decode.h"
#include "encode.h"
#include "fail.h"
#include "names.h"

// -- environments --

// Whether the environment on top is sent along. One with a metatable is but a view (of
// the globals, in most cases), unless that is known by a name.
static bool is_sent(struct encoder *e)
{
    lua_State *L = e->L;
    size_t length;
    const void *table = lua_topointer(L, -1);
    if (table == e->globals || table == e->state_globals) {
        return false;
    }
    if (!lua_getmetatable(L, -1)) {
        return true;
    }
    bool has_class = lagoon__class_of(L, e->s, lua_gettop(L)) != NULL;
    lua_pop(L, 1);
    return has_class || lagoon__name_of(L, e->s, lua_gettop(L), &length) != NULL;
}

// get(table, key)
static int get(lua_State *L)
{
    lua_gettable(L, 1);
    return 1;
}

// Pushes what a variable is in the environment on top; nil if to ask for it raises.
static void push_variable(lua_State *L, const char *name, size_t length)
{
    lua_pushlstring(L, name, length);
    lua_rawget(L, -2);
    if (!lua_isnil(L, -1) || !lua_getmetatable(L, -2)) {
        return;
    }
    lua_pop(L, 2);
    lua_pushcfunction(L, get);
    lua_pushvalue(L, -2);
    lua_pushlstring(L, name, length);
    if (lua_pcall(L, 2, 1, 0) != 0) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
}

void lagoon__closure_push_global(struct encoder *e, int index, const char *name,
                                 size_t length)
{
    lua_State *L = e->L;
    lua_getfenv(L, index);
    push_variable(L, name, length);
    lua_remove(L, -2);
    if (lagoon__is_builtin(L, e->s, name, length, lua_gettop(L))) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
}

// -- encode --

// The number of the code of the function on top. The code is kept by a userdata.
static uint32_t refer_to_code(struct encoder *e, struct shared *code)
{
    const struct node *known = lagoon__encode_find(e, code, 0);
    if (known != NULL) {
        return known->number;
    }
    lagoon__push_shared(e->L, e->s, code);
    uint32_t number = lagoon__encode_refer(e, code, code, NODE_CODE);
    lua_pop(e->L, 1);
    return number;
}

void lagoon__closure_encode(struct encoder *e, const void *key)
{
    struct shared *code = lagoon__code(e->L, e->s, lua_gettop(e->L));
    lagoon__encode_tag(e, TEXT_FUNCTION, refer_to_code(e, code));
    lagoon__encode_add_object(e, key, NODE_FUNCTION)->shared = code;
}

// Whether it is sent, with all that is in it.
static bool put_environment(struct encoder *e, int index)
{
    lua_State *L = e->L;
    lua_getfenv(L, index);
    bool has_own = is_sent(e);
    if (!has_own) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    lagoon__encode_value(e, -1);
    lua_pop(L, 1);
    return has_own;
}

// The upvalue's value, on top, or where its variable has been before.
static void put_upvalue(struct encoder *e, uint32_t node, int index, int which)
{
    const void *cell = lua_upvalueid(e->L, index, which);
    const struct node *known = lagoon__encode_find(e, cell, e->space);
    if (known != NULL) {
        lagoon__encode_tag(e, TEXT_CELL, known->number);
        lagoon__encode_room(e, TEXT_VARINT_BYTES);
        e->at = lagoon__text_put_varint(e->at, known->which);
        return;
    }
    uint32_t number = e->scratch->nodes[node].number;
    struct node *added = lagoon__encode_add(e, cell, e->space, NODE_CELL);
    added->number = number;
    added->which = (uint16_t)which;
    lagoon__encode_value(e, -1);
}

static void put_globals(struct encoder *e, const struct shared *code, int index)
{
    size_t length;
    const char *name;
    for (size_t i = 0; (name = lagoon__code_global(code, i, &length)) != NULL; i++) {
        lagoon__closure_push_global(e, index, name, length);
        if (!lua_isnil(e->L, -1)) {
            lagoon__encode_bytes(e, name, length);
            lagoon__encode_value(e, -1);
        }
        lua_pop(e->L, 1);
    }
}

void lagoon__closure_encode_body(struct encoder *e, uint32_t node, int index)
{
    const struct shared *code = e->scratch->nodes[node].shared;
    bool has_own_environment = put_environment(e, index);
    for (int i = 1; lua_getupvalue(e->L, index, i) != NULL; i++) {
        put_upvalue(e, node, index, i);
        lua_pop(e->L, 1);
    }
    if (!has_own_environment) {
        put_globals(e, code, index);
    }
    lagoon__encode_room(e, 1);
    *e->at++ = TEXT_END;
}

// -- decode --

uint32_t lagoon__closure_decode(struct decoder *d)
{
    struct shared *code = lagoon__decode_ref(d, KIND_CODE);
    lagoon__push_closure(d->L, d->s, code);
    return (uint32_t)lagoon__code_nups(code);
}

static void take_environment(struct decoder *d, int index)
{
    lagoon__decode_value(d);
    if (lua_isnil(d->L, -1)) {
        lua_pop(d->L, 1);
    } else if (lua_istable(d->L, -1)) {
        lua_setfenv(d->L, index);
    } else {
        lagoon__decode_broken(d);
    }
}

// Lets an upvalue be the same variable as one of another closure's.
static void join(struct decoder *d, int index, int which)
{
    lua_State *L = d->L;
    uint32_t number = lagoon__decode_number(d, d->nseen);
    const struct thing *thing = &d->things[number];
    if (thing->kind != THING_CLOSURE) {
        lagoon__decode_broken(d);
    }
    uint32_t other = lagoon__decode_number(d, thing->nups + 1);
    if (other == 0) {
        lagoon__decode_broken(d);
    }
    lagoon__kept_push(&d->kept, number);
    lua_upvaluejoin(L, index, which, -1, (int)other);
    lua_pop(L, 1);
}

// What the receiver has under that name stays.
static void take_globals(struct decoder *d)
{
    lua_State *L = d->L;
    while (!lagoon__decode_skip(d, TEXT_END)) {
        lagoon__decode_value(d);
        if (lua_type(L, -1) != LUA_TSTRING) {
            lagoon__decode_broken(d);
        }
        lagoon__decode_value(d);
        lua_pushvalue(L, -2);
        lua_rawget(L, LUA_GLOBALSINDEX);
        bool is_new = lua_isnil(L, -1);
        lua_pop(L, 1);
        if (is_new) {
            lua_rawset(L, LUA_GLOBALSINDEX);
        } else {
            lua_pop(L, 2);
        }
    }
}

void lagoon__closure_decode_body(struct decoder *d, uint32_t nups, int index)
{
    take_environment(d, index);
    for (int i = 1; i <= (int)nups; i++) {
        if (lagoon__decode_skip(d, TEXT_CELL)) {
            join(d, index, i);
        } else {
            lagoon__decode_value(d);
            lua_setupvalue(d->L, index, i);
        }
    }
    take_globals(d);
}
