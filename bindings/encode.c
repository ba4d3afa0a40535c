// SPDX-License-Identifier: MIT
#include "parcel.h"

#include "fail.h"

void lagoon__encode(lua_State *L, struct script *s, int index, struct value *out)
{
    (void)s;
    (void)index;
    (void)out;
    lagoon__raise(L, "not built yet");
}

void lagoon__decode(lua_State *L, struct script *s, struct value value)
{
    (void)s;
    (void)value;
    lua_pushnil(L);
}

void lagoon__recall(struct value value)
{
    (void)value;
}
