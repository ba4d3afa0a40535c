// SPDX-License-Identifier: MIT
#include "frame.h"

#include <lauxlib.h>

#include "fail.h"
#include "object.h"
#include "state.h"
#include "wait.h"

// Its state's own: what it is emitted with stays here (scripts/lagoon/event.lua).
struct event {
    struct object object;
    lg_event core;
};

static int finish_frame(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return lagoon__finish_plain(L, sg, rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushnumber(L, (double)sg->frame.dt_ns / 1e9);
    lua_pushnumber(L, (double)sg->frame.number);
    return 3;
}

// next_frame([seconds])
static int next_frame(lua_State *L)
{
    struct script *s = lagoon__script(L);
    int64_t deadline_ns = lagoon__deadline(L, 1, 1, "next_frame");
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    return lagoon__settle(L, sg, lg_next_frame(&sg->frame, deadline_ns), finish_frame);
}

// frame()
static int frame(lua_State *L)
{
    lg_frame_begin(lagoon__rt(L, lagoon__script(L)));
    return 0;
}

// event_new(): its environment is for what goes with it.
static int event_new(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lagoon__rt(L, s);
    lagoon__object_new(L, s, KIND_EVENT, sizeof(struct event));
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -1);
    lua_setfenv(L, -3);
    return 2;
}

// event_state(event, method)
static int event_state(lua_State *L)
{
    lagoon__self(L, KIND_EVENT, luaL_checkstring(L, 2));
    lua_getfenv(L, 1);
    return 1;
}

// event_wait(event, seconds)
static int event_wait(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct event *event = lagoon__self(L, KIND_EVENT, "wait");
    int64_t deadline_ns = lagoon__deadline(L, 2, 1, "wait");
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    if (sg != &s->outside) {
        lagoon__parks_on(sg, PARKED_ON_SELF, deadline_ns);
    }
    return lagoon__settle(L, sg, lg_event_wait(&event->core, deadline_ns),
                          lagoon__finish_plain);
}

// event_emit(event)
static int event_emit(lua_State *L)
{
    struct event *event = lagoon__self(L, KIND_EVENT, "emit");
    lagoon__rt(L, event->object.script);
    lua_pushnumber(L, (double)lg_event_emit(&event->core));
    return 1;
}

static int tostring(lua_State *L)
{
    lagoon__self(L, KIND_EVENT, "tostring");
    lua_settop(L, 1);
    lua_getfenv(L, 1);
    lua_getfield(L, -1, "name");
    const char *name = lua_tostring(L, -1);
    lua_pushfstring(L, "event: %s%s%p", name ? name : "", name ? " " : "",
                    lua_touserdata(L, 1));
    return 1;
}

void lagoon__open_frame(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"next_frame", next_frame},
                                         {"frame", frame},
                                         {"event_new", event_new},
                                         {"event_state", event_state},
                                         {"event_wait", event_wait},
                                         {"event_emit", event_emit},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__tostring", tostring}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_EVENT);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
