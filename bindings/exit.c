// SPDX-License-Identifier: MIT
#include "exit.h"

#include <lualib.h>

#include "state.h"
#include "task.h"

static int os_exit(lua_State *L)
{
    struct script *s = lua_touserdata(L, lua_upvalueindex(1));
    lagoon__testhook_exit(L, s);
    lagoon__report_failed_tasks(L, s);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 0);
    return 0;
}

void lagoon__guard_exit(lua_State *L, struct script *s)
{
    lua_getglobal(L, LUA_OSLIBNAME);
    lua_pushlightuserdata(L, s);
    lua_getfield(L, -2, "exit");
    lua_pushcclosure(L, os_exit, 2);
    lua_setfield(L, -2, "exit");
    lua_pop(L, 1);
}
