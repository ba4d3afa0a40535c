// SPDX-License-Identifier: MIT
//
// after(), tick(), timer(), sleep(), now().
#ifndef LAGOON_TIMERS_H
#define LAGOON_TIMERS_H

#include <lua.h>
#include <stdbool.h>

struct chan;
struct scope;
struct script;

// Stops all of a state that may still come. Inside its strand.
void lagoon__timers_stop(struct script *s);

// Stops all that were started in a scope.
void lagoon__timers_cancel(lua_State *L, struct scope *scope);

// Stops what sends on a channel; true if it would have gone on.
bool lagoon__ticker_stop(struct chan *chan);

// Whether time will still send on a channel.
bool lagoon__ticker_is_pending(const struct chan *chan);

// The channel at an index will be shared: it is kept alive until time has sent on it
// for the last time. False: there is no need. Raises.
bool lagoon__ticker_share(lua_State *L, struct chan *chan, int index);

// It will not be shared after all: takes that back.
void lagoon__ticker_unshare(struct chan *chan);

// Stops it and frees it; chan is being finalised.
void lagoon__ticker_free(struct chan *chan);

// Adds the functions to the table on top.
void lagoon__open_timers(lua_State *L, struct script *s);

#endif // LAGOON_TIMERS_H
