// SPDX-License-Identifier: MIT
//
// What a server of HTTP asks of a connection: the next request, taken apart where it lies, and a
// response to be gone within a time. Each is one call, for there are two of each request.
#ifndef LAGOON_HTTPCONN_H
#define LAGOON_HTTPCONN_H

#include <lua.h>

struct script;

// Adds the functions to the table on top.
void lagoon__open_httpconn(lua_State *L, struct script *s);

#endif // LAGOON_HTTPCONN_H
