// SPDX-License-Identifier: MIT
#include "value.h"

#include "chan.h"
#include "fail.h"
#include "parcel.h"
#include "state.h"

_Static_assert(sizeof(struct value) == 16, "fast.lua and the core's channels know it");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a tag is a NaN's upper half");

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
    struct value value = lagoon__value_of_tag(VALUE_REF);
    value.ref = slot;
    lagoon__value_put(out, value);
}

void lagoon__value_pack(lua_State *L, int v, int ch, struct chan *chan, struct value *out)
{
    switch (lua_type(L, v)) {
    case LUA_TNONE:
    case LUA_TNIL: lagoon__value_put(out, lagoon__value_of_tag(VALUE_NIL)); break;
    case LUA_TBOOLEAN:
        lagoon__value_put(
            out, lagoon__value_of_tag(lua_toboolean(L, v) ? VALUE_TRUE : VALUE_FALSE));
        break;
    case LUA_TNUMBER:
        lagoon__value_put(out, lagoon__value_of_number(lua_tonumber(L, v)));
        break;
    default:
        if (lagoon__chan_is_shared(chan)) {
            lagoon__encode(L, chan->object.script, v, out);
        } else {
            pack_ref(L, v, ch, chan, out);
        }
        break;
    }
}

static void take_ref(lua_State *L, int ch, struct chan *chan, int32_t slot)
{
    lua_getfenv(L, ch);
    lua_rawgeti(L, -1, slot);
    lua_insert(L, -2);
    lua_pushnil(L);
    lua_rawseti(L, -2, slot);
    lua_pop(L, 1);
    lagoon__slots_put(&chan->refs, slot);
}

void lagoon__value_unpack(lua_State *L, int ch, struct chan *chan, struct value value)
{
    if (lagoon__value_is_number(value)) {
        lua_pushnumber(L, value.number);
        return;
    }
    switch (value.tag) {
    case VALUE_FALSE:
    case VALUE_TRUE: lua_pushboolean(L, value.tag == VALUE_TRUE); break;
    case VALUE_REF: take_ref(L, ch, chan, value.ref); break;
    default: lua_pushnil(L); break;
    }
}

void lagoon__value_drop(lua_State *L, int ch, struct chan *chan, struct value value)
{
    if (value.tag == VALUE_REF) {
        take_ref(L, ch, chan, value.ref);
        lua_pop(L, 1);
    } else if (lagoon__value_is_sealed(value)) {
        lagoon__recall(value);
    }
}
