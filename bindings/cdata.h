// SPDX-License-Identifier: MIT
//
// The two kinds of cdata that travel: int64_t and uint64_t.
#ifndef LAGOON_CDATA_H
#define LAGOON_CDATA_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

// What is in the cdata at an index; false: it is none of the two. Raises.
bool lagoon__cdata_wide(lua_State *L, int index, bool *out_is_unsigned,
                        uint64_t *out_bits);

// Pushes one. Raises if there is no FFI.
void lagoon__cdata_push_wide(lua_State *L, bool is_unsigned, uint64_t bits);

#endif // LAGOON_CDATA_H
