// SPDX-License-Identifier: MIT
#include "sharedkey.h"

#include <lagoon.h>

#include "fail.h"

// Long text is copied to a userdata, which is left on top.
static void make_long_key(lua_State *L, struct shared_key *key, const char *text,
                          size_t size_bytes)
{
    unsigned char *bytes = lua_newuserdata(L, 1 + size_bytes);
    bytes[0] = 's';
    memcpy(bytes + 1, text, size_bytes);
    key->bytes = bytes;
    key->size_bytes = 1 + size_bytes;
}

void lagoon__shared_key_check(lua_State *L, const char *method, struct shared_key *key)
{
    size_t size_bytes;
    const char *text;
    switch (lua_type(L, 2)) {
    case LUA_TSTRING:
        text = lua_tolstring(L, 2, &size_bytes);
        if (!lagoon__shared_key_text(key, text, size_bytes)) {
            make_long_key(L, key, text, size_bytes);
        }
        break;
    case LUA_TNUMBER:
        if (!lagoon__shared_key_number(key, lua_tonumber(L, 2))) {
            lagoon__raise_argument(L, 1, method, "a key expected, got NaN");
        }
        break;
    case LUA_TBOOLEAN:
        key->room[0] = lua_toboolean(L, 2) ? 't' : 'f';
        key->bytes = key->room;
        key->size_bytes = 1;
        break;
    default:
        lagoon__raise_argument(L, 1, method,
                               "a string, number or boolean as key expected, got %s",
                               lagoon__type_name(L, 2));
    }
}

void lagoon__shared_key_push(lua_State *L, const unsigned char *bytes, size_t size_bytes)
{
    if (bytes[0] == 's') {
        lua_pushlstring(L, (const char *)bytes + 1, size_bytes - 1);
    } else if (bytes[0] == 'n') {
        double number;
        memcpy(&number, bytes + 1, sizeof number);
        lua_pushnumber(L, number);
    } else {
        lua_pushboolean(L, bytes[0] == 't');
    }
    lg_keep_alive(bytes);
}
