// SPDX-License-Identifier: MIT
#include "runtime.h"

#include <lauxlib.h>
#include <math.h>

#include "collect.h"
#include "dump.h"
#include "fail.h"
#include "go.h"
#include "state.h"
#include "task.h"
#include "wait.h"

// procs([n]): how many Ps there were before the call.
static int procs(lua_State *L)
{
    struct script *s = lagoon__script(L);
    int before = lg_procs(lagoon__rt(L, s));
    if (!lua_isnoneornil(L, 1)) {
        int n = lagoon__check_whole(L, 1, "procs", LG_PROCS_MAX);
        if (lg_set_procs(s->rt, n) != LG_OK) {
            lagoon__raise_memory(L);
        }
    }
    lua_pushinteger(L, before);
    return 1;
}

static int num_cpu(lua_State *L)
{
    lua_pushinteger(L, lg_num_cpu());
    return 1;
}

static int is_deterministic(lua_State *L)
{
    lua_pushboolean(L, lg_is_deterministic(lagoon__rt(L, lagoon__script(L))));
    return 1;
}

static int num_goroutine(lua_State *L)
{
    lua_pushnumber(L, (double)lg_num_goroutine(lagoon__rt(L, lagoon__script(L))));
    return 1;
}

// run(f, ...): drives the runtime on the calling thread until f has ended.
// Returns a code and f's results, as a task's wait() does.
static int run(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lagoon__check_callable(L, 1, "run");
    if (lg_current() != NULL) {
        lagoon__raise(L, "lagoon.run cannot be called from a callback of the runtime");
    }
    lagoon__check_room(L, 4, "too many arguments");
    struct task *task = lagoon__async(L, s, lua_gettop(L) - 1);
    task->sg->is_main = true;
    s->driver = L;
    int err = lg_drive(s->rt, task->ref);
    s->driver = NULL;
    lagoon__restore(L, s);
    if (err == LG_EDEADLOCK) {
        lua_pushinteger(L, WAIT_RAISE);
        lua_pushliteral(L, "all goroutines are asleep - deadlock!\n\n");
        lagoon__push_dump(L, s, DUMP_ALL_STILL);
        lua_concat(L, 2);
        return 2;
    }
    if (err != LG_OK) {
        return lagoon__finish_raise(L, lg_strerror(err));
    }
    return lagoon__push_outcome(L, 1, task);
}

static double seconds_until(int64_t moment_ns)
{
    int64_t left_ns = moment_ns == LG_NEVER ? 0 : moment_ns - lagoon__clock_ns();
    return moment_ns == LG_NEVER ? HUGE_VAL : left_ns > 0 ? (double)left_ns * 1e-9 : 0;
}

// update([seconds]): how many goroutines are ready still, the seconds until it should be
// called again, and those that the longest step took.
static int update(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lagoon__rt(L, s);
    bool is_endless = lua_isnoneornil(L, 1);
    int64_t budget_ns = is_endless ? -1 : lagoon__seconds(L, 1, 1, "update");
    if (lg_current() != NULL) {
        lagoon__raise(L,
                      "lagoon.update cannot be called from a goroutine: the host's loop "
                      "calls it, which runs them");
    }
    lg_update_report report = {.size_bytes = sizeof report};
    s->driver = L;
    int err = lg_update(s->rt, budget_ns, &report);
    s->driver = NULL;
    lagoon__restore(L, s);
    if (err != LG_OK) {
        lagoon__raise(L, "cannot update: %s", lg_strerror(err));
    }
    lua_pushnumber(L, (double)report.ready);
    lua_pushnumber(L, report.ready > 0 ? 0 : seconds_until(report.next_ns));
    lua_pushnumber(L, (double)report.longest_ns * 1e-9);
    return 3;
}

void lagoon__open_runtime(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"procs", procs},
                                         {"num_cpu", num_cpu},
                                         {"num_goroutine", num_goroutine},
                                         {"is_deterministic", is_deterministic},
                                         {"run", run},
                                         {"update", update},
                                         {NULL, NULL}};
    lagoon__register(L, s, functions);
}
