// SPDX-License-Identifier: MIT
//
// The way out: slots for values that have been received and are still to be read by
// Lua code, in an object of the core's collector, which sees them there.
//
// Between receiving and reading, a debug hook or a finaliser may run and receive
// something too, so each takes the next slot, and who has read gives its own back:
// slots are used like a stack. What an error in a hook skips gives nothing back, but
// the next outer reader does that as well.
//
// A sealed value is opened (decoded) where Lua code may run and wait: not where a
// wait is finished. So the C half leaves it here and returns WAIT_SEALED and the slot,
// and its Lua half calls core.open(slot).
#ifndef LAGOON_OUT_H
#define LAGOON_OUT_H

#include <lua.h>

#include "state.h"
#include "value.h"

// Takes the next slot: s->out_at.
struct value *lagoon__out_next(struct script *s);

// Gives one back, and those that an error has left behind it.
void lagoon__out_back(struct script *s, struct value *slot);

// Leaves a sealed value in the next slot, and pushes WAIT_SEALED and the slot; returns
// 2. Does not raise: L has room.
int lagoon__out_seal(lua_State *L, struct script *s, struct value value);

// Pushes the value in a slot, which is free again. Raises.
void lagoon__out_open(lua_State *L, struct script *s, int at);

// Makes the slots. Raises.
void lagoon__out_init(lua_State *L, struct script *s);

// Adds open() to the table on top.
void lagoon__open_out(lua_State *L, struct script *s);

#endif // LAGOON_OUT_H
