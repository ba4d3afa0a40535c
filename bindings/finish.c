// SPDX-License-Identifier: MIT
#include "finish.h"

#include <lauxlib.h>

#include "state.h"
#include "wait.h"

// What a C function finds free, and a few for its results.
enum { ROOM = LUA_MINSTACK + 8 };

static int call(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct script_g *sg = s->finishing;
    return sg->finish(L, sg, s->finishing_rc);
}

static int call_protected(lua_State *co, struct script_g *sg, int rc)
{
    struct script *s = sg->script;
    lua_State *L = s->finisher;
    int nargs = lua_gettop(co);
    s->finishing = sg;
    s->finishing_rc = rc;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.finish);
    for (int i = 1; i <= nargs; i++) {
        lua_pushvalue(co, i);
        lua_xmove(co, L, 1);
    }
    if (lua_pcall(L, nargs, LUA_MULTRET, 0) != 0) {
        lua_pushinteger(L, WAIT_RAISE);
        lua_insert(L, 1);
    }
    int nresults = lua_gettop(L);
    lua_xmove(L, co, nresults);
    return nresults;
}

int lagoon__finish(lua_State *co, struct script_g *sg, int rc)
{
    if (rc == LG_OK && !sg->is_making) {
        return sg->finish(co, sg, rc);
    }
    // A thread has room for a dozen arguments from the beginning, and more has only the select
    // of many cases.
    if (!lua_checkstack(sg->script->finisher, lua_gettop(co) + ROOM)) {
        return sg->finish(co, sg, rc);
    }
    return call_protected(co, sg, rc);
}

void lagoon__finish_init(lua_State *L, struct script *s)
{
    s->finisher = lua_newthread(L);
    luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushlightuserdata(L, s);
    lua_pushcclosure(L, call, 1);
    s->refs.finish = luaL_ref(L, LUA_REGISTRYINDEX);
}
