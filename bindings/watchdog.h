// SPDX-License-Identifier: MIT
//
// The watchdog's reports of goroutines that hold their P for long: what Lua was doing.
#ifndef LAGOON_WATCHDOG_H
#define LAGOON_WATCHDOG_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>

struct script;
struct script_g;

// Logs that.
void lagoon__watchdog_tell(lua_State *L, lua_State *from, struct script_g *sg);

// Logs where the running goroutine is, if the watchdog has told of it. Asked as soon as
// the interpreter is in hand again: L has room for calls, and is `from` itself or another
// one; `from` is where the goroutine's code stands, or has just left. Does not raise.
static inline void lagoon__watchdog_look(lua_State *L, lua_State *from,
                                         struct script_g *sg)
{
    if (__builtin_expect(lg_watchdog_take(), false)) {
        lagoon__watchdog_tell(L, from, sg);
    }
}

// Adds watchdog() to the table on top.
void lagoon__open_watchdog(lua_State *L, struct script *s);

#endif // LAGOON_WATCHDOG_H
