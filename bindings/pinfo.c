// SPDX-License-Identifier: MIT
#include "pinfo.h"

#include <lagoon.h>
#include <lauxlib.h>

#include "state.h"

static const char *status_name(lg_p_status status)
{
    switch (status) {
    case LG_P_IDLE: return "idle";
    case LG_P_RUNNING: return "running";
    case LG_P_BLOCKED: return "blocked";
    case LG_P_ASIDE: return "aside";
    }
    return "?";
}

static void set_number(lua_State *L, const char *name, double value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

static void push_info(lua_State *L, const lg_p_info *info)
{
    lua_createtable(L, 0, 6);
    set_number(L, "number", info->number);
    lua_pushstring(L, status_name(info->status));
    lua_setfield(L, -2, "status");
    if (info->g != 0) {
        set_number(L, "g", (double)info->g);
    }
    set_number(L, "queued", info->queued);
    set_number(L, "rounds", (double)info->rounds);
    set_number(L, "steals", (double)info->steals);
}

// ps(): what each P does.
static int ps(lua_State *L)
{
    lg_runtime *rt = lagoon__rt(L, lagoon__script(L));
    lg_p_info info = {.size_bytes = sizeof info};
    lua_newtable(L);
    for (size_t i = 0; lg_get_p_info(rt, i, &info) == LG_OK; i++) {
        push_info(L, &info);
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

void lagoon__open_pinfo(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"ps", ps}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
