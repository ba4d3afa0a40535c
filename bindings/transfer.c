// SPDX-License-Identifier: MIT
#include "transfer.h"

#include <lauxlib.h>

#include "parcel.h"
#include "state.h"

// transfer_copy(...): its arguments, as another state would get them.
static int copy(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct value value;
    lagoon__encode_all(L, s, 1, lua_gettop(L), ROUTE_VALUE, &value);
    return lagoon__decode_all(L, s, value);
}

// transfer_send(v): the one value that comes of sending it.
static int send_one(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct value value;
    lagoon__encode(L, s, 1, &value);
    lagoon__decode(L, s, value);
    return 1;
}

void lagoon__open_transfer(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"transfer_copy", copy}, {"transfer_send", send_one}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
