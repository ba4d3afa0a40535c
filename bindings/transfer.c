// SPDX-License-Identifier: MIT
#include "transfer.h"

#include <lauxlib.h>

#include "parcel.h"
#include "state.h"
#include "text.h"

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
    luaL_checkany(L, 1);
    struct value value;
    lagoon__encode(L, s, 1, &value);
    lagoon__decode(L, s, value);
    return 1;
}

#ifdef LG_CHECK
// transfer_spoil(v, size, edits): receives what sending v gives, after its text has been
// cut to a size (nil: not) and bytes of it changed: edits are {[offset] = byte}. The other
// results are the size of the text, and the text.
static int spoil(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct value value;
    lagoon__encode_all(L, s, 1, 1, ROUTE_VALUE, &value);
    struct letter *letter = lagoon__parcel_letter(value);
    size_t size = letter->size_bytes;
    lua_pushnil(L);
    while (lua_next(L, 3) != 0) {
        letter->text[(size_t)lua_tointeger(L, -2) % size] =
            (unsigned char)lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    letter->size_bytes = (size_t)luaL_optinteger(L, 2, (lua_Integer)size) % (size + 1);
    lua_pushinteger(L, (lua_Integer)size);
    lua_pushlstring(L, (const char *)letter->text, size);
    return 2 + lagoon__decode_all(L, s, value);
}
#endif

void lagoon__open_transfer(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"transfer_copy", copy},
                                         {"transfer_send", send_one},
#ifdef LG_CHECK
                                         {"transfer_spoil", spoil},
#endif
                                         {NULL, NULL}};
    lagoon__register(L, s, functions);
}
