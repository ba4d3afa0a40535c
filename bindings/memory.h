// SPDX-License-Identifier: MIT
#ifndef LAGOON_MEMORY_H
#define LAGOON_MEMORY_H

#include <lua.h>
#include <stdint.h>

struct script;

// Bytes as the first argument of a function: a number or text as "512MiB"; LG_MEM_NO_LIMIT
// for infinity and "off". Raises.
int64_t lagoon__check_bytes(lua_State *L, const char *name);

// Pushes them, infinity for LG_MEM_NO_LIMIT.
void lagoon__push_bytes(lua_State *L, int64_t bytes);

// Adds gc(), gc_percent(), mem_limit() and mem_cap() to the table on top.
void lagoon__open_memory(lua_State *L, struct script *s);

#endif // LAGOON_MEMORY_H
