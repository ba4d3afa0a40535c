// SPDX-License-Identifier: MIT
#include "blocking.h"

#include <lauxlib.h>

#include "aside.h"
#include "fail.h"
#include "parallel.h"
#include "parcel.h"
#include "remote.h"
#include "state.h"
#include "wait.h"

// blocking(f, ...): a code and a task, which its Lua half waits for. Nothing is started
// where that could not wait, nor by who has been cancelled.
static int blocking(lua_State *L)
{
    struct script *s = lagoon__script(L);
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    if (sg == &s->outside) {
        lagoon__refuse(L, s);
    }
    struct task_core *core = lagoon__parallel_new(L, s, "blocking");
    if (core->hub->owns_runtime) {
        lagoon__recall(core->call);
        lagoon__raise(L, "a state that a host runs has no threads for blocking calls");
    }
    if (lg_is_canceled()) {
        lagoon__recall(core->call);
        return lagoon__settle(L, sg, lg_sleep_until(LG_NEVER), lagoon__finish_plain);
    }
    core->is_blocking = true;
    lagoon__parallel_start(L, core);
    lua_pushinteger(L, WAIT_OK);
    lua_insert(L, -2);
    return 2;
}

// blocking_limit([n]): what it was.
static int blocking_limit(lua_State *L)
{
    struct hub *hub = lagoon__hub_of(L, lagoon__script(L));
    pthread_mutex_lock(&hub->lock);
    size_t before = hub->aside_max;
    pthread_mutex_unlock(&hub->lock);
    if (!lua_isnoneornil(L, 1)) {
        lagoon__aside_set_max(
            hub, (size_t)lagoon__check_whole(L, 1, "blocking_limit", ASIDE_MAX));
    }
    lua_pushinteger(L, (lua_Integer)before);
    return 1;
}

void lagoon__open_blocking(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"blocking", blocking}, {"blocking_limit", blocking_limit}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
