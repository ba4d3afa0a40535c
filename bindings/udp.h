// SPDX-License-Identifier: MIT
//
// Sockets for datagrams: the C halves of net.udp.
#ifndef LAGOON_UDP_H
#define LAGOON_UDP_H

#include <lua.h>

struct script;

// Adds the functions to the table on top.
void lagoon__open_udp(lua_State *L, struct script *s);

#endif // LAGOON_UDP_H
