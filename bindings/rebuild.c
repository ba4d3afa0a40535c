// SPDX-License-Identifier: MIT
#include "rebuild.h"

#include <lauxlib.h>

#include "decode.h"
#include "encode.h"
#include "fail.h"
#include "state.h"

// -- encode --

// Pops down to the value.
static _Noreturn void refuse(struct encoder *e, int value, const char *why)
{
    lua_settop(e->L, value);
    lagoon__encode_refuse(e, luaL_typename(e->L, value), why);
}

// Writes n values on top as a text of its own, for the node that was added last.
static void put_text(struct encoder *e, int first, int n)
{
    uint32_t body = e->body;
    uint32_t space = e->space;
    uint32_t nobjects = e->nobjects;
    e->body = e->scratch->nnodes - 1;
    e->space = ++e->nspaces;
    e->nobjects = 0;
    e->depth++;
    lagoon__encode_values(e, first, n);
    e->depth--;
    e->nobjects = nobjects;
    e->space = space;
    e->body = body;
}

bool lagoon__rebuild_encode(struct encoder *e, const void *key)
{
    lua_State *L = e->L;
    int value = lua_gettop(L) - 1;
    lua_pushliteral(L, "__transfer");
    lua_rawget(L, -2);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    if (e->depth == TEXT_DEPTH_MAX) {
        refuse(e, value, ": its __transfer leads to too many others");
    }
    lagoon__encode_room(e, 1);
    *e->at++ = TEXT_REBUILT;
    lua_pushvalue(L, value);
    lagoon__encode_add_object(e, key, NODE_REBUILT);
    struct script *s = e->s;
    uint32_t outer = s->hook;
    s->hook = ++s->last_hook;
    int status = lua_pcall(L, 1, LUA_MULTRET, 0);
    s->hook = outer;
    if (status != 0) {
        lua_error(L);
    }
    int first = value + 2;
    int n = lua_gettop(L) - first + 1;
    if (n == 0 || !lua_isfunction(L, first)) {
        refuse(e, value, ": its __transfer returned no function");
    }
    lagoon__check_room(L, ENCODE_ROOM, "no room to send a message");
    put_text(e, first, n);
    lua_settop(L, first - 1);
    return true;
}

// -- decode --

void lagoon__rebuild_decode(struct decoder *d)
{
    struct decoder inner = *d;
    if (inner.depth++ == TEXT_DEPTH_MAX) {
        lagoon__decode_broken(d);
    }
    int n = lagoon__decode_values(&inner);
    if (n == 0 || !lua_isfunction(d->L, -n)) {
        lagoon__decode_broken(d);
    }
    d->at = inner.at;
    d->budget = inner.budget;
    lua_call(d->L, n - 1, 1);
}
