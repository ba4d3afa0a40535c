// SPDX-License-Identifier: MIT
//
// What the goroutines of a runtime do, as text and as tables.
#ifndef LAGOON_DUMP_H
#define LAGOON_DUMP_H

#include <lagoon.h>
#include <lua.h>
#include <stddef.h>

struct script;

enum dump_scope { DUMP_RUNNING, DUMP_ALL_STILL };

struct snapshot {
    size_t n;
    size_t cap;
    lg_g_info infos[];
};

// Pushes a userdata with all goroutines of the runtime, oldest first. Raises.
struct snapshot *lagoon__push_snapshot(lua_State *L, struct script *s);

// Pushes a table that tells of one of them. Raises.
void lagoon__push_info(lua_State *L, struct script *s, const lg_g_info *info);

// Pushes a text with each goroutine, in the order of their numbers: wait
// reason, traceback, birthplace; of those in other states only while nothing runs. May
// raise.
void lagoon__push_dump(lua_State *L, struct script *s, enum dump_scope scope);

// Adds stack() and goroutines() to the table on top.
void lagoon__open_dump(lua_State *L, struct script *s);

#endif // LAGOON_DUMP_H
