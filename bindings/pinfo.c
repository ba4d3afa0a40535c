// SPDX-License-Identifier: MIT
#include "pinfo.h"

#include <lagoon.h>
#include <lauxlib.h>

#include "chan.h"
#include "state.h"

enum { WAITERS_MAX = 64 };

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

// The ids of the first ones, and how many there are.
static void push_waiters(lua_State *L, lg_chan *ch, lg_op op)
{
    uint64_t ids[WAITERS_MAX];
    size_t count = lg_chan_waiters(ch, op, ids, WAITERS_MAX);
    lua_newtable(L);
    for (size_t i = 0; i < count && i < WAITERS_MAX; i++) {
        lua_pushnumber(L, (double)ids[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    set_number(L, "count", (double)count);
}

// chan_waiters(ch): those who wait to receive, and those who wait to send.
static int chan_waiters(lua_State *L)
{
    struct chan *chan = lagoon__chan_self(L, "waiters");
    push_waiters(L, chan->ch, LG_RECV);
    push_waiters(L, chan->ch, LG_SEND);
    return 2;
}

void lagoon__open_pinfo(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"ps", ps}, {"chan_waiters", chan_waiters}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
