// SPDX-License-Identifier: MIT
//
// Clocks as scripts see them: paused, scaled, stepped. The same object in all states.
#ifndef LAGOON_CLOCK_H
#define LAGOON_CLOCK_H

#include <lagoon.h>
#include <lua.h>
#include <stdint.h>

#include "object.h"
#include "share.h"

struct script;

struct clock {
    struct object object;
    lg_clock *core;
};

extern const struct share_ops lagoon__clock_ops;

// The clock of the running goroutine; outside of any, the runtime's.
lg_clock *lagoon__clock_self(struct script *s);

// What that shows.
int64_t lagoon__clock_read(struct script *s);

// The clock at an index, or NULL if there is nothing of that kind.
lg_clock *lagoon__clock_at(lua_State *L, int index);

// Adds the functions to the table on top.
void lagoon__open_clock(lua_State *L, struct script *s);

#endif // LAGOON_CLOCK_H
