// SPDX-License-Identifier: MIT
//
// How the function that finishes a wait is called: nobody catches an error on a coroutine that is
// suspended. What may need memory for its results runs on a thread of ours, protected.
#ifndef LAGOON_FINISH_H
#define LAGOON_FINISH_H

#include <lua.h>

struct script;
struct script_g;

// Makes the thread. Raises.
void lagoon__finish_init(lua_State *L, struct script *s);

// Finishes a wait of sg's that is over; its arguments are all of co's stack. Returns how many
// results it has pushed there: for want of memory WAIT_RAISE and a message.
int lagoon__finish(lua_State *co, struct script_g *sg, int rc);

#endif // LAGOON_FINISH_H
