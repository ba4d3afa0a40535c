// SPDX-License-Identifier: MIT
//
// What the scheduler, channels and the collector do, kept in memory for a script that
// looks at it: a trace (lg_trace_start()) whose events become tables.
#ifndef LAGOON_EVENTS_H
#define LAGOON_EVENTS_H

#include <lua.h>

struct script;

// Adds events_start() and events_stop() to the table on top.
void lagoon__open_events(lua_State *L, struct script *s);

#endif // LAGOON_EVENTS_H
