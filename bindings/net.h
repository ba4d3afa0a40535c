// SPDX-License-Identifier: MIT
//
// Sockets: the C halves of lagoon.net.
#ifndef LAGOON_NET_H
#define LAGOON_NET_H

#include <lagoon.h>
#include <lua.h>

#include "object.h"

struct script;

// A listener, or a connection. What a call that waits reports stands in the userdata: at a time
// one goroutine reads, and one writes.
struct listener {
    struct object object;
    lg_listener *core; // NULL: finalised
};

struct conn {
    struct object object;
    lg_conn *core; // NULL: finalised
    size_t nread;
    size_t nwritten;
};

// The connection at index 1, or raises in the name of one of its methods.
struct conn *lagoon__check_conn(lua_State *L, const char *method);

// Adds the functions to the table on top.
void lagoon__open_net(lua_State *L, struct script *s);

#endif // LAGOON_NET_H
