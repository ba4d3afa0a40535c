// SPDX-License-Identifier: MIT
#include "stream.h"

#include <lauxlib.h>

#include "fail.h"

bool lagoon__read_format(lua_State *L, struct format *out)
{
    *out = (struct format){.want = LG_WANT_SOME};
    if (lua_isnoneornil(L, 2)) {
        return true;
    }
    if (lua_type(L, 2) == LUA_TNUMBER) {
        double n = lua_tonumber(L, 2);
        out->want = LG_WANT_EXACT;
        out->n = n >= 0 && n < 9e15 ? (size_t)n : 0;
        return n >= 0 && n < 9e15 && n == (double)out->n;
    }
    const char *text = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    text += *text == '*';
    out->want = *text == 'a' ? LG_WANT_ALL : LG_WANT_LINE;
    out->chopped = *text == 'l';
    return (*text == 'a' || *text == 'l' || *text == 'L') && text[1] == '\0';
}

void lagoon__push_taken(lua_State *L, const struct stream_ops *ops, void *core, size_t n,
                        size_t chopped)
{
    luaL_Buffer buffer;
    const void *bytes;
    size_t here = ops->peek(core, &bytes);
    if (here >= n) { // the usual case: they stand together
        bool has_newline = n > 0 && ((const char *)bytes)[n - 1] == '\n';
        lua_pushlstring(L, n > 0 ? bytes : "", n - (has_newline ? chopped : 0));
        ops->skip(core, n);
        return;
    }
    luaL_buffinit(L, &buffer);
    while (n > 0) {
        here = ops->peek(core, &bytes);
        here = here < n ? here : n;
        n -= here;
        bool has_newline = n == 0 && ((const char *)bytes)[here - 1] == '\n';
        luaL_addlstring(&buffer, bytes, here - (has_newline ? chopped : 0));
        ops->skip(core, here);
    }
    luaL_pushresult(&buffer);
}

void lagoon__join_arguments(lua_State *L)
{
    int top = lua_gettop(L);
    for (int i = 2; i <= top; i++) {
        if (!lua_isstring(L, i)) {
            lagoon__raise_argument(L, i - 1, "write", "a string expected, got %s",
                                   lagoon__type_name(L, i));
        }
    }
    if (top == 1) {
        lua_pushliteral(L, "");
    } else if (top > 2) {
        lua_concat(L, top - 1);
    }
}

int lagoon__add_count(lua_State *L, int n, size_t count)
{
    if (!lua_isnil(L, -n + 1)) {
        return n;
    }
    lua_settop(L, lua_gettop(L) + 4 - n);
    lua_pushnumber(L, (double)count);
    return 5;
}
