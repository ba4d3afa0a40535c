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

void lagoon__encode_all(lua_State *L, struct script *s, int first, int n,
                        enum route route, struct value *out)
{
    (void)first;
    (void)n;
    (void)route;
    lagoon__encode(L, s, 1, out);
}

int lagoon__decode_all(lua_State *L, struct script *s, struct value value)
{
    (void)L;
    (void)s;
    (void)value;
    return 0;
}
