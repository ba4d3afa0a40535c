// SPDX-License-Identifier: MIT
#include "value.h"

#include "chan.h"
#include "fail.h"
#include "state.h"

// The table of references is also found under the channel in a weak table, for
// compiled code, which cannot read environments. The channel keeps it alive.
void lagoon__value_refs(lua_State *L, int ch, struct chan *chan)
{
    if (chan->has_refs) {
        lua_getfenv(L, ch);
        return;
    }
    lua_newtable(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, chan->object.script->refs.fast_refs);
    lua_pushvalue(L, ch);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_setfenv(L, ch);
    chan->has_refs = true;
}

static void pack_ref(lua_State *L, int v, int ch, struct chan *chan, struct value *out)
{
    lagoon__value_refs(L, ch, chan);
    int32_t slot = lagoon__slots_get(&chan->refs, chan->object.script);
    if (slot == 0) {
        lagoon__raise_memory(L);
    }
    lua_pushvalue(L, v);
    lua_rawseti(L, -2, slot);
    lua_pop(L, 1);
    out->tag = VALUE_REF;
    out->ref = slot;
}

void lagoon__value_pack(lua_State *L, int v, int ch, struct chan *chan, struct value *out)
{
    *out = (struct value){0};
    switch (lua_type(L, v)) {
    case LUA_TNONE:
    case LUA_TNIL: break;
    case LUA_TBOOLEAN: out->tag = lua_toboolean(L, v) ? VALUE_TRUE : VALUE_FALSE; break;
    case LUA_TNUMBER:
        out->tag = VALUE_NUMBER;
        out->number = lua_tonumber(L, v);
        break;
    default: pack_ref(L, v, ch, chan, out); break;
    }
}

void lagoon__value_unpack(lua_State *L, int ch, struct chan *chan, struct value value)
{
    switch (value.tag) {
    case VALUE_FALSE:
    case VALUE_TRUE: lua_pushboolean(L, value.tag == VALUE_TRUE); break;
    case VALUE_NUMBER: lua_pushnumber(L, value.number); break;
    case VALUE_REF:
        lua_getfenv(L, ch);
        lua_rawgeti(L, -1, value.ref);
        lua_insert(L, -2);
        lua_pushnil(L);
        lua_rawseti(L, -2, value.ref);
        lua_pop(L, 1);
        lagoon__slots_put(&chan->refs, value.ref);
        break;
    default: lua_pushnil(L); break;
    }
}

void lagoon__value_drop(lua_State *L, int ch, struct chan *chan, struct value value)
{
    if (value.tag == VALUE_REF) {
        lagoon__value_unpack(L, ch, chan, value);
        lua_pop(L, 1);
    }
}
