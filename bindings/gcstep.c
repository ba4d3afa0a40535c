// SPDX-License-Identifier: MIT
//
// Both collectors in the hands of a host that has time between two frames.
//
// LuaJIT's is moved on by its smallest steps, with a look at the clock between them. Its
// atomic phase is one step all the same, however long it takes, and so is one huge table.
// A collector that the script has stopped, or whose percentage is off, stays so.
#include "gcstep.h"

#include <lagoon.h>
#include <lauxlib.h>

#include "collect.h"
#include "fail.h"
#include "refusal.h"
#include "state.h"

enum {
    STEP_KBYTES = 4,   // as if so much had been allocated: 10 us and more
    LEAST_KBYTES = 64, // of growth, for a cycle to be worth it
    USUAL_PERCENT = 100,
};

struct stepping {
    struct script *s;
    int64_t until_ns;
    int64_t longest_ns;
};

// Whether a cycle is under way that we have begun, or one is worth it: half of what makes
// one begin by itself has been allocated, or would with the usual pause.
static bool has_work(lua_State *L, struct collector *c)
{
    size_t kbytes = (size_t)(unsigned)lua_gc(L, LUA_GCCOUNT, 0);
    int percent = c->percent == LG_GC_OFF ? USUAL_PERCENT : c->percent;
    size_t growth = c->live_kbytes / 200 * (size_t)percent;
    growth = growth > LEAST_KBYTES ? growth : LEAST_KBYTES;
    return c->is_stepping || kbytes > c->live_kbytes + growth;
}

// A finaliser may raise in here.
static int take_steps(lua_State *L)
{
    struct stepping *stepping = lua_touserdata(L, 1);
    struct collector *c = &stepping->s->collector;
    int64_t at_ns = lagoon__clock_ns();
    while (c->is_stepping && at_ns < stepping->until_ns) {
        if (lua_gc(L, LUA_GCSTEP, STEP_KBYTES) != 0) {
            lagoon__collect_ended(L, stepping->s);
        }
        int64_t now_ns = lagoon__clock_ns();
        lagoon__collect_note_step(c, now_ns - at_ns);
        if (now_ns - at_ns > stepping->longest_ns) {
            stepping->longest_ns = now_ns - at_ns;
        }
        at_ns = now_ns;
    }
    return 0;
}

// Raises what a finaliser does. True: nothing is left to do.
static bool step_state(lua_State *L, struct stepping *stepping)
{
    struct collector *c = &stepping->s->collector;
    if (!has_work(L, c)) {
        return true;
    }
    bool was_stopped = lua_gc(L, LUA_GCISRUNNING, 0) == 0;
    c->is_stepping = true;
    int status = lua_cpcall(L, take_steps, stepping);
    if (was_stopped) {
        lua_gc(L, LUA_GCSTOP, 0); // a step has set it going
    } else if (c->percent == LG_GC_OFF) {
        lua_gc(L, LUA_GCRESTART, -1); // the pause counts again
    }
    if (status != 0) {
        lua_error(L);
    }
    return !c->is_stepping;
}

// The core's part, which others may have at this moment.
static bool step_core(lg_runtime *rt, struct stepping *stepping)
{
    int64_t left_ns = stepping->until_ns - lagoon__clock_ns();
    lg_gc_report report = {.size_bytes = sizeof report};
    int rc = lg_gc_step(rt, left_ns > 0 ? left_ns : 0, &report);
    if (report.longest_ns > stepping->longest_ns) {
        stepping->longest_ns = report.longest_ns;
    }
    return rc != LG_EAGAIN;
}

// gc_step(seconds): whether nothing is left to do; seconds that it took; of them, those of
// the longest step. The core has the first half, if it needs it, and what the state leaves.
static int gc_step(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lg_runtime *rt = lagoon__rt(L, s);
    if (lua_type(L, 1) != LUA_TNUMBER) {
        lagoon__raise_argument(L, 1, "gc_step", "seconds, a number, expected, got %s",
                               lagoon__type_name(L, 1));
    }
    lua_Number seconds = lua_tonumber(L, 1);
    if (!(seconds >= 0)) {
        lagoon__raise_argument(L, 1, "gc_step", "seconds from 0 on expected, got %s",
                               lua_tostring(L, 1));
    }
    if (lagoon__is_in_gc(L, s)) {
        lagoon__raise(L, "cannot collect inside a __gc metamethod");
    }
    int64_t since_ns = lagoon__clock_ns();
    int64_t budget_ns = seconds < 1e9 ? (int64_t)(seconds * 1e9) : (int64_t)1e18;
    struct stepping stepping = {.s = s, .until_ns = since_ns + budget_ns / 2};
    bool is_core_done = step_core(rt, &stepping);
    stepping.until_ns = since_ns + budget_ns;
    bool is_state_done = step_state(L, &stepping);
    if (!is_core_done && is_state_done) {
        is_core_done = step_core(rt, &stepping);
    }
    lua_pushboolean(L, is_core_done && is_state_done);
    lua_pushnumber(L, (lua_Number)(lagoon__clock_ns() - since_ns) / 1e9);
    lua_pushnumber(L, (lua_Number)stepping.longest_ns / 1e9);
    return 3;
}

void lagoon__open_gcstep(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"gc_step", gc_step}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
