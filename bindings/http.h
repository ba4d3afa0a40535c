// SPDX-License-Identifier: MIT
//
// The parser of lagoon.http, as functions for its Lua half.
#ifndef LAGOON_HTTP_H
#define LAGOON_HTTP_H

#include <lua.h>
#include <stddef.h>

struct script;

// Takes apart the head of a request that begins at bytes, of which `scanned` were looked at before,
// and pushes what core.http_request says of it. How many results; its size, 0 if it is not whole
// or not good.
int lagoon__http_push_request(lua_State *L, const char *bytes, size_t n, size_t scanned,
                              size_t max_bytes, size_t *out_size);

// Adds the functions to the table on top.
void lagoon__open_http(lua_State *L, struct script *s);

#endif // LAGOON_HTTP_H
