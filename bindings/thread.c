// SPDX-License-Identifier: MIT
#include "thread.h"

#include <lauxlib.h>

#include "fail.h"
#include "state.h"

static void check_inside(lua_State *L, const char *name)
{
    struct script_g *sg = lg_extra_self();
    if (sg == NULL || sg->script != lagoon__script(L)) {
        lagoon__raise(L, "%s outside a goroutine", name);
    }
}

static int lock_thread(lua_State *L)
{
    check_inside(L, "lock_thread");
    lg_lock_thread();
    return 0;
}

static int unlock_thread(lua_State *L)
{
    check_inside(L, "unlock_thread");
    if (lg_unlock_thread() != LG_OK) {
        lagoon__raise(L, "unlock_thread without lock_thread");
    }
    return 0;
}

void lagoon__open_thread(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"lock_thread", lock_thread}, {"unlock_thread", unlock_thread}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
