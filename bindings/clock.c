// SPDX-License-Identifier: MIT
#include "clock.h"

#include <lauxlib.h>

#include "fail.h"
#include "state.h"
#include "wait.h"

lg_clock *lagoon__clock_self(struct script *s)
{
    struct script_g *sg = lg_extra_self();
    return sg != NULL ? lg_clock_self() : lg_clock_of(s->rt);
}

int64_t lagoon__clock_read(struct script *s)
{
    lg_clock *clock = lagoon__clock_self(s);
    return clock == lg_clock_of(s->rt) ? lg_now(s->rt) : lg_clock_now(clock);
}

lg_clock *lagoon__clock_at(lua_State *L, int index)
{
    struct clock *clock = lagoon__object_at(L, index, KIND_CLOCK);
    return clock != NULL && lagoon__shared_is_alive(&clock->object) ? clock->core : NULL;
}

// The clock that a method is called on.
static lg_clock *self(lua_State *L, const char *method)
{
    struct clock *clock = lagoon__shared_self(L, KIND_CLOCK, method);
    lagoon__rt(L, clock->object.script);
    return clock->core;
}

static void check(lua_State *L, int rc)
{
    if (rc != LG_OK) {
        lagoon__raise_memory(L);
    }
}

// clock_of_runtime()
static int clock_of_runtime(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct shared *shared;
    struct clock *clock = lagoon__shared_new(L, s, KIND_CLOCK, &shared);
    clock->core = lg_clock_of(s->rt); // as adopt() finds where there is no core
    return 1;
}

// clock_new([parent])
static int clock_new(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lagoon__rt(L, s);
    lg_clock *parent = lagoon__clock_self(s);
    if (!lua_isnoneornil(L, 1)) {
        parent = lagoon__clock_at(L, 1);
        if (parent == NULL) {
            lagoon__raise_argument(L, 1, "new", "clock expected, got %s",
                                   lagoon__type_name(L, 1));
        }
    }
    struct shared *shared;
    struct clock *clock = lagoon__shared_new(L, s, KIND_CLOCK, &shared);
    clock->core = lg_clock_of(s->rt);
    lagoon__share_husk(L, s, shared);
    lua_pop(L, 1);
    lg_clock *core;
    int err = lg_clock_new(parent, &core);
    if (err == LG_EINVAL) {
        lagoon__raise(L, "more than %d clocks over each other", LG_CLOCK_DEPTH_MAX);
    }
    check(L, err);
    lagoon__share_core(shared, core);
    clock->core = core;
    return 1;
}

static int pause(lua_State *L)
{
    lg_clock_pause(self(L, "pause"));
    return 0;
}

static int resume(lua_State *L)
{
    check(L, lg_clock_resume(self(L, "resume")));
    return 0;
}

static int is_paused(lua_State *L)
{
    lua_pushboolean(L, lg_clock_is_paused(self(L, "is_paused")));
    return 1;
}

static int scale(lua_State *L)
{
    lg_clock *clock = self(L, "scale");
    if (!lua_isnoneornil(L, 2)) {
        bool is_number = lua_type(L, 2) == LUA_TNUMBER;
        int rc = is_number ? lg_clock_set_scale(clock, lua_tonumber(L, 2)) : LG_EINVAL;
        if (rc == LG_EINVAL) {
            lagoon__raise_argument(
                L, 1, "scale", "a number from 0 to %d expected, got %s",
                LG_CLOCK_SCALE_MAX,
                is_number ? lua_tostring(L, 2) : lagoon__type_name(L, 2));
        }
        check(L, rc);
    }
    lua_pushnumber(L, lg_clock_scale(clock));
    return 1;
}

static int step(lua_State *L)
{
    lg_clock *clock = self(L, "step");
    int64_t step_ns = lagoon__seconds(L, 2, 1, "step");
    if (lua_tonumber(L, 2) < 0) {
        lagoon__raise_argument(L, 1, "step", "a clock does not go back");
    }
    check(L, lg_clock_step(clock, step_ns));
    return 0;
}

static int now(lua_State *L)
{
    lua_pushnumber(L, (double)lg_clock_now(self(L, "now")) / 1e9);
    return 1;
}

static int is_equal(lua_State *L)
{
    lg_clock *a = lagoon__clock_at(L, 1);
    lua_pushboolean(L, a != NULL && a == lagoon__clock_at(L, 2));
    return 1;
}

static int tostring(lua_State *L)
{
    struct clock *clock = lagoon__object_at(L, 1, KIND_CLOCK);
    if (clock == NULL) {
        clock = lagoon__self(L, KIND_CLOCK, "tostring"); // raises
    }
    if (!lagoon__shared_is_alive(&clock->object)) {
        lua_pushfstring(L, "clock: %p (dead)", (void *)clock);
        return 1;
    }
    lua_pushfstring(L, "clock: %p (%f s, %s%f)", (void *)clock->core,
                    (double)lg_clock_now(clock->core) / 1e9,
                    lg_clock_is_paused(clock->core) ? "paused, scale " : "scale ",
                    lg_clock_scale(clock->core));
    return 1;
}

static void adopt(lua_State *L, void *userdata, struct shared *shared)
{
    (void)L;
    struct clock *clock = userdata;
    clock->core = shared->core ? shared->core : lg_clock_of(clock->object.script->rt);
}

static void release(lg_runtime *rt, void *core)
{
    (void)rt;
    lg_clock_release(core);
}

const struct share_ops lagoon__clock_ops = {
    .size_bytes = sizeof(struct clock), .adopt = adopt, .free = release};

void lagoon__open_clock(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"clock_of_runtime", clock_of_runtime},
                                         {"clock_new", clock_new},
                                         {"clock_pause", pause},
                                         {"clock_resume", resume},
                                         {"clock_is_paused", is_paused},
                                         {"clock_scale", scale},
                                         {"clock_step", step},
                                         {"clock_now", now},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", lagoon__shared_finalise},
                                    {"__eq", is_equal},
                                    {"__tostring", tostring},
                                    {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_CLOCK);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
