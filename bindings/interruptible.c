// SPDX-License-Identifier: MIT
#include "interruptible.h"

#include <lagoon.h>
#include <lauxlib.h>

#include "luajit/door.h"
#include "state.h"

static const char no_door[] = "this LuaJIT is not lagoon's own, and cannot be told when "
                              "it would be safe";
static const char no_checks[] = "compiled code of this LuaJIT does not look for hooks";
static const char no_signals[] = "the host keeps its signals to itself, or has turned "
                                 "preemption off";

const struct luajit_door *lagoon__door(void)
{
    return &lagoon__luajit_door;
}

// Why nobody is interrupted; NULL: everybody is.
static const char *reason_not_to(struct script *s)
{
    const struct luajit_door *door = lagoon__door();
    if (lg_slice_ns(s->rt) == LG_NEVER) {
        return no_signals;
    }
    return door == NULL ? no_door : door->is_checked ? NULL : no_checks;
}

void lagoon__interruptible_init(struct script *s)
{
    s->not_interrupted = reason_not_to(s);
}

// preemption(): how, and if not so, why.
static int preemption(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lua_pushstring(L, s->not_interrupted ? "off" : "signal");
    if (s->not_interrupted == NULL) {
        return 1;
    }
    lua_pushstring(L, s->not_interrupted);
    return 2;
}

void lagoon__open_interruptible(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"preemption", preemption}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
