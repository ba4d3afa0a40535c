// SPDX-License-Identifier: MIT
//
// Frames and events: what goroutines of a game wait for.
#ifndef LAGOON_FRAME_H
#define LAGOON_FRAME_H

#include <lua.h>

struct script;

// Adds the functions to the table on top.
void lagoon__open_frame(lua_State *L, struct script *s);

#endif // LAGOON_FRAME_H
