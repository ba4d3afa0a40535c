// SPDX-License-Identifier: MIT
#include "out.h"

#include <lauxlib.h>

#include "fail.h"
#include "parcel.h"
#include "wait.h"

struct value *lagoon__out_next(struct script *s)
{
    s->out_at = (s->out_at + 1) % OUT_SLOTS;
    return &s->out[s->out_at];
}

// The collector may not have come by the slot yet, and what is in it may still be
// needed: it is told. A thread without a goroutine has a handle for that.
static void empty(struct script *s, struct value *slot)
{
    if (slot->ptr == NULL) {
        return;
    }
    if (lg_self().id == 0) {
        lg_handle_set(s->last_handle, slot->ptr);
        lagoon__value_put(slot, lagoon__value_of_tag(VALUE_NIL));
    } else {
        lg_store(&slot->ptr, NULL);
    }
}

void lagoon__out_back(struct script *s, struct value *slot)
{
    empty(s, slot);
    s->out_at = ((uint32_t)(slot - s->out) + OUT_SLOTS - 1) % OUT_SLOTS;
}

int lagoon__out_seal(lua_State *L, struct script *s, struct value value)
{
    if (lg_self().id == 0) {
        lg_handle_set(s->last_handle, value.ptr);
    }
    lagoon__value_put(lagoon__out_next(s), value);
    lua_pushinteger(L, WAIT_SEALED);
    lua_pushinteger(L, (lua_Integer)s->out_at);
    return 2;
}

// The slot keeps the parcel alive while it is read. After that nobody wants it.
void lagoon__out_open(lua_State *L, struct script *s, int at)
{
    struct value *slot = &s->out[at];
    s->out_at = (uint32_t)at; // what errors in hooks have skipped is free
    lagoon__decode(L, s, *slot);
    lagoon__value_put(slot, lagoon__value_of_tag(VALUE_NIL));
    s->out_at = ((uint32_t)at + OUT_SLOTS - 1) % OUT_SLOTS;
}

// open(slot): the value in it.
static int open(lua_State *L)
{
    int at = (int)lua_tointeger(L, 1);
    if (at < 0 || at >= OUT_SLOTS) {
        lagoon__raise(L, "there is no slot %d", at);
    }
    lagoon__out_open(L, lagoon__script(L), at);
    return 1;
}

void lagoon__out_init(lua_State *L, struct script *s)
{
    if (lg_handle_new_object(s->rt, s->types.values, OUT_SLOTS, &s->out_handle) !=
        LG_OK) {
        lagoon__raise_memory(L);
    }
    s->out = lg_handle_get(s->out_handle);
    if (lg_handle_new_object(s->rt, s->types.refs, 1, &s->last_handle) != LG_OK) {
        lagoon__raise_memory(L);
    }
}

void lagoon__open_out(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"open", open}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
