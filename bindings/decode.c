// SPDX-License-Identifier: MIT
#include "decode.h"

#include <lauxlib.h>

#include "cdata.h"
#include "class.h"
#include "closure.h"
#include "fail.h"
#include "names.h"
#include "rebuild.h"
#include "share.h"

enum { FEW_THINGS = 16 };

_Noreturn void lagoon__decode_broken(struct decoder *d)
{
    lagoon__raise(d->L, "cannot receive a broken message");
}

// -- bytes --

static inline size_t left(const struct decoder *d)
{
    return (size_t)(d->end - d->at);
}

static inline const unsigned char *take(struct decoder *d, size_t n)
{
    if (n > left(d)) {
        lagoon__decode_broken(d);
    }
    const unsigned char *bytes = d->at;
    d->at += n;
    return bytes;
}

static inline uint32_t take_u32(struct decoder *d)
{
    uint32_t n;
    memcpy(&n, take(d, sizeof n), sizeof n);
    return n;
}

static uint64_t take_varint(struct decoder *d)
{
    uint64_t n;
    d->at = lagoon__text_varint(d->at, d->end, &n);
    if (d->at == NULL) {
        lagoon__decode_broken(d);
    }
    return n;
}

uint32_t lagoon__decode_number(struct decoder *d, uint32_t limit)
{
    uint64_t n = take_varint(d);
    if (n >= limit) {
        lagoon__decode_broken(d);
    }
    return (uint32_t)n;
}

bool lagoon__decode_skip(struct decoder *d, enum text_tag tag)
{
    if (left(d) == 0) {
        lagoon__decode_broken(d);
    }
    bool is_there = *d->at == tag;
    d->at += is_there;
    return is_there;
}

// -- references --

static struct shared *take_shared(struct decoder *d)
{
    return d->refs[lagoon__decode_number(d, d->nrefs)];
}

struct shared *lagoon__decode_ref(struct decoder *d, enum kind kind)
{
    struct shared *shared = take_shared(d);
    if (shared->kind != kind) {
        lagoon__decode_broken(d);
    }
    return shared;
}

static void push_shared(struct decoder *d)
{
    struct shared *shared = take_shared(d);
    if (shared->kind == KIND_CODE || shared->kind == KIND_CLASS) {
        lagoon__decode_broken(d);
    }
    lagoon__push_shared(d->L, d->s, shared);
}

// -- strings --

static void push_string(struct decoder *d)
{
    uint64_t length = take_varint(d);
    lua_pushlstring(d->L, (const char *)take(d, length), length);
}

// -- objects --

static struct thing *next_thing(struct decoder *d, enum thing_kind kind)
{
    if (d->nseen == d->nobjects) {
        lagoon__decode_broken(d);
    }
    struct thing *thing = &d->things[d->nseen];
    thing->kind = kind;
    return thing;
}

// Numbers the object on top.
static void keep(struct decoder *d)
{
    lagoon__kept_add(&d->kept);
    d->nseen++;
}

static void push_long(struct decoder *d)
{
    next_thing(d, THING_OTHER);
    push_string(d);
    keep(d);
}

static void spend(struct decoder *d, size_t nelems)
{
    if (nelems > d->budget) {
        lagoon__decode_broken(d);
    }
    d->budget -= nelems;
}

static void push_table(struct decoder *d)
{
    struct thing *thing = next_thing(d, THING_TABLE);
    thing->narray = take_u32(d);
    thing->nhash = take_u32(d);
    uint32_t narray = thing->narray & ~TEXT_FROM_ZERO;
    spend(d, narray + 2 * (size_t)thing->nhash);
    int length = (int)narray - (narray > 0 && (thing->narray & TEXT_FROM_ZERO));
    lua_createtable(d->L, length, (int)thing->nhash);
    keep(d);
}

static void push_instance(struct decoder *d)
{
    struct shared *class = lagoon__decode_ref(d, KIND_CLASS);
    push_table(d);
    lagoon__push_class(d->L, d->s, class);
    lua_setmetatable(d->L, -2);
}

static void push_function(struct decoder *d)
{
    struct thing *thing = next_thing(d, THING_CLOSURE);
    thing->nups = lagoon__closure_decode(d);
    keep(d);
}

static void push_named(struct decoder *d)
{
    uint64_t length = take_varint(d);
    const char *name = (const char *)take(d, length);
    next_thing(d, THING_OTHER);
    lagoon__push_named(d->L, d->s, name, length);
    keep(d);
}

static void push_rebuilt(struct decoder *d)
{
    next_thing(d, THING_OTHER);
    lagoon__rebuild_decode(d);
    keep(d);
}

static void push_again(struct decoder *d)
{
    lagoon__kept_push(&d->kept, lagoon__decode_number(d, d->nseen));
}

// -- any value --

static void push_wide(struct decoder *d, bool is_unsigned)
{
    uint64_t bits;
    memcpy(&bits, take(d, sizeof bits), sizeof bits);
    lagoon__cdata_push_wide(d->L, is_unsigned, bits);
}

static inline void push_number(struct decoder *d)
{
    double number;
    memcpy(&number, take(d, sizeof number), sizeof number);
    lua_pushnumber(d->L, number == number ? number : __builtin_nan(""));
}

static inline void push_int16(struct decoder *d)
{
    int16_t n;
    memcpy(&n, take(d, sizeof n), sizeof n);
    lua_pushinteger(d->L, n);
}

static inline void push_int32(struct decoder *d)
{
    int32_t n;
    memcpy(&n, take(d, sizeof n), sizeof n);
    lua_pushinteger(d->L, n);
}

static void push_other(struct decoder *d, unsigned char tag)
{
    if (d->is_plain && tag >= TEXT_INSTANCE) {
        lagoon__raise(d->L, "cannot receive a function or an object from an input");
    }
    switch (tag) {
    case TEXT_NIL: lua_pushnil(d->L); break;
    case TEXT_FALSE: lua_pushboolean(d->L, 0); break;
    case TEXT_TRUE: lua_pushboolean(d->L, 1); break;
    case TEXT_NUMBER: push_number(d); break;
    case TEXT_INT16: push_int16(d); break;
    case TEXT_INT32: push_int32(d); break;
    case TEXT_INT64: push_wide(d, false); break;
    case TEXT_UINT64: push_wide(d, true); break;
    case TEXT_NULL: lua_pushlightuserdata(d->L, NULL); break;
    case TEXT_STRING: push_string(d); break;
    case TEXT_LONG: push_long(d); break;
    case TEXT_AGAIN: push_again(d); break;
    case TEXT_TABLE: push_table(d); break;
    case TEXT_INSTANCE: push_instance(d); break;
    case TEXT_FUNCTION: push_function(d); break;
    case TEXT_NAMED: push_named(d); break;
    case TEXT_REBUILT: push_rebuilt(d); break;
    case TEXT_MOVED:
    case TEXT_SHARED: push_shared(d); break;
    case TEXT_CLASS:
        lagoon__push_class(d->L, d->s, lagoon__decode_ref(d, KIND_CLASS));
        break;
    case TEXT_GLOBALS: lua_pushvalue(d->L, LUA_GLOBALSINDEX); break;
    default: lagoon__decode_broken(d);
    }
}

static inline void push_value(struct decoder *d)
{
    unsigned char tag = *take(d, 1);
    if (tag >= TEXT_SMALL) {
        lua_pushinteger(d->L, tag - TEXT_SMALL);
    } else if (tag >= TEXT_SHORT && tag <= TEXT_SHORT + TEXT_SHORT_MAX) {
        size_t length = tag - TEXT_SHORT;
        lua_pushlstring(d->L, (const char *)take(d, length), length);
    } else {
        push_other(d, tag);
    }
}

void lagoon__decode_value(struct decoder *d)
{
    push_value(d);
}

// -- bodies --

// nil and NaN are no keys.
static inline void push_key(struct decoder *d)
{
    push_value(d);
    int type = lua_type(d->L, -1);
    if (type == LUA_TNUMBER) {
        double number = lua_tonumber(d->L, -1);
        if (number != number) {
            lagoon__decode_broken(d);
        }
    } else if (type == LUA_TNIL) {
        lagoon__decode_broken(d);
    }
}

static void fill_table(struct decoder *d, struct thing thing, int index)
{
    lua_State *L = d->L;
    int first = thing.narray & TEXT_FROM_ZERO ? 0 : 1;
    int end = (int)(thing.narray & ~TEXT_FROM_ZERO) + first;
    for (int i = first; i < end; i++) {
        push_value(d);
        lua_rawseti(L, index, i);
    }
    for (uint32_t i = 0; i < thing.nhash; i++) {
        push_key(d);
        push_value(d);
        lua_rawset(L, index);
    }
}

static void fill(struct decoder *d, uint32_t number)
{
    struct thing thing = d->things[number];
    if (thing.kind == THING_OTHER) {
        return;
    }
    lagoon__kept_push(&d->kept, number);
    int index = lua_gettop(d->L);
    if (thing.kind == THING_TABLE) {
        fill_table(d, thing, index);
    } else {
        lagoon__closure_decode_body(d, thing.nups, index);
    }
    lua_pop(d->L, 1);
}

// -- texts --

static void read_text(struct decoder *d, uint32_t nvalues, int first)
{
    uint32_t nslots = d->nobjects < KEPT_SLOTS ? d->nobjects : KEPT_SLOTS;
    lagoon__kept_init(&d->kept, d->L, nslots);
    for (uint32_t i = 0; i < nvalues; i++) {
        push_value(d);
        lua_replace(d->L, first + (int)i);
    }
    for (uint32_t number = 0; number < d->nseen; number++) {
        fill(d, number);
    }
}

int lagoon__decode_values(struct decoder *d)
{
    lua_State *L = d->L;
    struct thing few[FEW_THINGS];
    uint32_t nvalues = take_u32(d);
    d->nobjects = take_u32(d);
    d->nseen = 0;
    if (nvalues > left(d) || d->nobjects > left(d)) {
        lagoon__decode_broken(d);
    }
    int top = lua_gettop(L);
    if (nvalues > LUAI_MAXCSTACK) {
        lagoon__raise(L, "cannot receive %u values at once", nvalues);
    }
    lagoon__check_room(L, (int)nvalues + KEPT_ROOM + DECODE_ROOM, "too many values");
    lua_settop(L, top + (int)nvalues);
    d->things = d->nobjects <= FEW_THINGS
                    ? few
                    : lua_newuserdata(L, d->nobjects * sizeof(struct thing));
    read_text(d, nvalues, top + 1);
    lua_settop(L, top + (int)nvalues);
    return (int)nvalues;
}
