// SPDX-License-Identifier: MIT
#include "leg.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>

#include "fail.h"

static bool is_identifier(const char *name, size_t length)
{
    if (length == 0 || length > LEG_NAME_MAX || isdigit((unsigned char)name[0])) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (name[i] != '_' && !isalnum((unsigned char)name[i])) {
            return false;
        }
    }
    return true;
}

static const char *name_type(lua_State *L, int index)
{
    return lua_isthread(L, index) ? "coroutine" : lagoon__type_name(L, index);
}

void lagoon__leg_of_key(lua_State *L, int key, struct leg *out)
{
    size_t length;
    switch (lua_type(L, key)) {
    case LUA_TSTRING: {
        const char *name = lua_tolstring(L, key, &length);
        const char *format = is_identifier(name, length) ? ".%.*s%s" : "[\"%.*s%s\"]";
        snprintf(out->text, LEG_SIZE, format,
                 length > LEG_NAME_MAX ? LEG_NAME_MAX : (int)length, name,
                 length > LEG_NAME_MAX ? "..." : "");
        break;
    }
    case LUA_TNUMBER:
        snprintf(out->text, LEG_SIZE, "[%.14g]", lua_tonumber(L, key));
        break;
    case LUA_TBOOLEAN:
        snprintf(out->text, LEG_SIZE, "[%s]", lua_toboolean(L, key) ? "true" : "false");
        break;
    default: snprintf(out->text, LEG_SIZE, "[%s]", name_type(L, key)); break;
    }
}
