// SPDX-License-Identifier: MIT
//
// Sockets: the C halves of lagoon.net.
#ifndef LAGOON_NET_H
#define LAGOON_NET_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>

#include "goroutine.h"
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

// The goroutine that opens a socket; raises where there is none.
struct script_g *lagoon__check_opener(lua_State *L);

// The connection at index 1, or raises in the name of one of its methods.
struct conn *lagoon__check_conn(lua_State *L, const char *method);

// Whether bytes that a read has found have gone: since then somebody has closed the connection.
bool lagoon__conn_has_lost(const struct conn *conn);

// From the seconds at an index on, argument n of a method, its reads and writes time out. Raises.
int lagoon__conn_limit(lua_State *L, struct conn *conn, int index, int n,
                       const char *method);

// Writes the string at an index, which stays there.
int lagoon__conn_write(lua_State *L, struct conn *conn, int index);

// Adds the functions to the table on top.
void lagoon__open_net(lua_State *L, struct script *s);

#endif // LAGOON_NET_H
