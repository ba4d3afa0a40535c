// SPDX-License-Identifier: MIT
//
// TLS: the C halves of what lagoon.net has of it.
#ifndef LAGOON_TLS_H
#define LAGOON_TLS_H

#include <lagoon.h>
#include <lua.h>

#include "goroutine.h"
#include "object.h"

struct conn;
struct script;

// One side's part of connections. Scripts do not see it.
struct tls {
    struct object object;
    lg_tls *core; // NULL: not made yet, or finalised
};

// The one at an index, or NULL for nil.
lg_tls *lagoon__tls_at(lua_State *L, int index);

// As lagoon__finish_failed(), with OpenSSL's reason if it was that.
int lagoon__finish_conn_failed(lua_State *L, struct script_g *sg, struct conn *conn,
                               int rc);

// Adds the functions to the table on top.
void lagoon__open_tls(lua_State *L, struct script *s);

#endif // LAGOON_TLS_H
