// SPDX-License-Identifier: MIT
//
// The frames of WebSockets and the arithmetic of their handshake, as functions for the Lua half.
#ifndef LAGOON_WEBSOCKET_H
#define LAGOON_WEBSOCKET_H

#include <lua.h>

struct script;

// Adds the functions to the table on top.
void lagoon__open_websocket(lua_State *L, struct script *s);

#endif // LAGOON_WEBSOCKET_H
