// SPDX-License-Identifier: MIT
//
// lagoon.input(): values that come from outside, which can be recorded and replayed.
//
// What makes them, the source, runs as a task in a state of its own that stands beside the
// order of a deterministic runtime (is_outside), as does all that it starts. It sends values
// as bytes (parcel.h), plain ones only: a message of two values, true and what was sent, or
// false and the words of the error that the source has ended with.
#ifndef LAGOON_INPUT_H
#define LAGOON_INPUT_H

#include <lua.h>

struct hub;
struct script;
struct task_core;

// Places a task in a fresh state of its own, beside the order.
void lagoon__input_place(struct hub *hub, struct task_core *task);

// Adds the functions of lagoon.input to the table on top.
void lagoon__open_input(lua_State *L, struct script *s);

#endif // LAGOON_INPUT_H
