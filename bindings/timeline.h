// SPDX-License-Identifier: MIT
//
// Timelines (lg_timeline_start()), for Lua and for the program: who its goroutines are.
#ifndef LAGOON_TIMELINE_H
#define LAGOON_TIMELINE_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>

struct script;

// Whether a trace of that name is to be a timeline: it ends in ".json".
bool lagoon__is_timeline(const char *path);

// Why one cannot be begun, or was not written, for people.
const char *lagoon__timeline_error(int rc);

// A strand's `describe`.
void lagoon__describe(lg_strand *strand, lg_g *g, void *extra, lg_label *label);

// Adds trace_start() and trace_stop() to the table on top.
void lagoon__open_timeline(lua_State *L, struct script *s);

#endif // LAGOON_TIMELINE_H
