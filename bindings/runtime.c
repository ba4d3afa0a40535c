// SPDX-License-Identifier: MIT
#include "runtime.h"

#include <lauxlib.h>

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
        if (s->owns_runtime && n > 1) {
            lagoon__raise_argument(L, 1, "procs",
                                   "a state that a host runs stays on one P");
        }
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
    luaL_checkstack(L, 4, "too many arguments");
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

void lagoon__open_runtime(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"procs", procs},
                                         {"num_cpu", num_cpu},
                                         {"num_goroutine", num_goroutine},
                                         {"run", run},
                                         {NULL, NULL}};
    lagoon__register(L, s, functions);
}
