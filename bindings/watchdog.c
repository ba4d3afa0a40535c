// SPDX-License-Identifier: MIT
#include "watchdog.h"

#include <lauxlib.h>
#include <string.h>

#include "fail.h"
#include "state.h"
#include "trace.h"
#include "wait.h"

static const double NS_PER_SECOND = 1e9;

// -- reports --

struct report {
    struct script_g *sg;
    lua_State *from; // where its Lua code stands
};

static void add_trace(luaL_Buffer *b, const struct report *report)
{
    struct script_g *sg = report->sg;
    int level = b->L == report->from ? 1 : 0; // our own function is on top
    int nframes = lagoon__trace_frames(b, report->from, level, NULL);
    if (report->from != sg->co) {
        nframes += lagoon__trace_frames(b, sg->co, 0, NULL);
    }
    if (nframes == 0) {
        luaL_addstring(b, "\n\tit has ended");
    }
    if (sg->birth.source != NULL) {
        lagoon__add_format(b, "\ncreated by goroutine %.0f at ", (double)sg->parent);
        lagoon__trace_birth(b, &sg->birth);
    }
}

// Line by line; the text is the copy's.
static void log_lines(lg_runtime *rt, char *text)
{
    while (text != NULL) {
        char *rest = strchr(text, '\n');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        lg_log(rt, text);
        text = rest;
    }
}

static int tell(lua_State *L)
{
    struct report *report = lua_touserdata(L, 1);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    lagoon__add_format(&b, "goroutine %.0f, in Lua:", (double)report->sg->id);
    add_trace(&b, report);
    luaL_pushresult(&b);
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    log_lines(report->sg->script->rt,
              memcpy(lua_newuserdata(L, length + 1), text, length + 1));
    return 0;
}

void lagoon__watchdog_tell(lua_State *L, lua_State *from, struct script_g *sg)
{
    struct report told = {sg, from};
    int top = lua_gettop(L);
    lua_cpcall(L, tell, &told); // without memory it is left out
    lua_settop(L, top);
}

// -- setting --

// watchdog([seconds]): what it was; 0: off.
static int watchdog(lua_State *L)
{
    lg_runtime *rt = lagoon__rt(L, lagoon__script(L));
    int64_t before_ns = lg_watchdog_get(rt);
    if (!lua_isnoneornil(L, 1)) {
        int err = lg_watchdog(rt, lagoon__seconds(L, 1, 1, "watchdog"));
        if (err != LG_OK) {
            lagoon__raise(L, "cannot watch: %s", lg_strerror(err));
        }
    }
    lua_pushnumber(L, (double)before_ns / NS_PER_SECOND);
    return 1;
}

void lagoon__open_watchdog(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"watchdog", watchdog}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
