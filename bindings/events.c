// SPDX-License-Identifier: MIT
#include "events.h"

#include <lagoon.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "state.h"

enum { EVENTS_DEFAULT = 16 * 1024, EVENTS_MAX = 1024 * 1024 };

static const char CLASS[] = "lagoon.events";

// A userdata of a script, which Ps write to until the trace is stopped.
struct recording {
    lg_runtime *rt; // NULL: it has been stopped
    size_t cap;
    // -- who writes, one at a time; after the stop, anyone --
    size_t count;
    size_t nlost; // that there was no room for
    lg_trace_event events[];
};

static void keep(void *ud, const lg_trace_event *events, size_t nevents)
{
    struct recording *r = ud;
    size_t room = r->cap - r->count;
    size_t kept = nevents < room ? nevents : room;
    memcpy(r->events + r->count, events, kept * sizeof *events);
    r->count += kept;
    r->nlost += nevents - kept;
}

static void stop(struct recording *r)
{
    if (r->rt != NULL) {
        lg_trace_stop(r->rt);
        r->rt = NULL;
    }
}

// events_start([max]): a recording of at most so many events; or nil, a message and a code.
static int events_start(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lg_runtime *rt = lagoon__rt(L, s);
    size_t cap = lua_isnoneornil(L, 1)
                     ? EVENTS_DEFAULT
                     : (size_t)lagoon__check_whole(L, 1, "events_start", EVENTS_MAX);
    struct recording *r = lua_newuserdata(L, sizeof *r + cap * sizeof(lg_trace_event));
    *r = (struct recording){.cap = cap};
    luaL_getmetatable(L, CLASS);
    lua_setmetatable(L, -2);
    int err = lg_trace_start(rt, keep, r);
    if (err == LG_ENOMEM) {
        lagoon__raise_memory(L);
    }
    if (err) {
        lua_pushnil(L);
        lua_pushliteral(L, "a trace is being written already");
        lua_pushliteral(L, "EBUSY");
        return 3;
    }
    r->rt = rt;
    return 1;
}

static struct recording *check_recording(lua_State *L)
{
    struct recording *r = lua_touserdata(L, 1);
    if (r != NULL && lua_getmetatable(L, 1)) {
        luaL_getmetatable(L, CLASS);
        bool is_one = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
        r = is_one ? r : NULL;
    } else {
        r = NULL;
    }
    if (r == NULL) {
        lagoon__raise_argument(L, 1, "events_stop", "recording expected, got %s",
                               lagoon__type_name(L, 1));
    }
    return r;
}

// Where one stands, in an order.
struct place {
    const lg_trace_event *event;
};

// By time; events of one P, which come in order, keep theirs at the same time.
static int compare(const void *a, const void *b)
{
    const lg_trace_event *x = ((const struct place *)a)->event;
    const lg_trace_event *y = ((const struct place *)b)->event;
    int order = (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
    return order != 0 ? order : (x > y) - (x < y);
}

static void push_event(lua_State *L, const lg_trace_event *event)
{
    lua_createtable(L, 0, 6);
    lua_pushstring(L, lg_trace_name(event->kind));
    lua_setfield(L, -2, "kind");
    lua_pushnumber(L, (double)event->time_ns / 1e9);
    lua_setfield(L, -2, "time");
    lua_pushinteger(L, event->p);
    lua_setfield(L, -2, "p");
    lua_pushnumber(L, (double)event->g);
    lua_setfield(L, -2, "g");
    lua_pushnumber(L, (double)event->arg);
    lua_setfield(L, -2, "arg");
    // An input's name may be gone with it.
    if (event->what != NULL && event->kind != LG_TRACE_INPUT) {
        lua_pushstring(L, event->what);
        lua_setfield(L, -2, "what");
    }
}

// events_stop(recording): its events in the order of their times, and how many more there
// were.
static int events_stop(lua_State *L)
{
    struct recording *r = check_recording(L);
    stop(r);
    struct place *order = lua_newuserdata(L, (r->count + 1) * sizeof *order);
    for (size_t i = 0; i < r->count; i++) {
        order[i].event = &r->events[i];
    }
    qsort(order, r->count, sizeof *order, compare);
    lua_createtable(L, (int)r->count, 0);
    for (size_t i = 0; i < r->count; i++) {
        push_event(L, order[i].event);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_pushnumber(L, (double)r->nlost);
    return 2;
}

static int finalise(lua_State *L)
{
    stop(check_recording(L));
    return 0;
}

void lagoon__open_events(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"events_start", events_start}, {"events_stop", events_stop}, {NULL, NULL}};
    luaL_newmetatable(L, CLASS);
    lua_pushcfunction(L, finalise);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    lagoon__register(L, s, functions);
}
