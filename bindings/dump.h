// SPDX-License-Identifier: MIT
//
// What the goroutines of a runtime do, as text and as tables.
#ifndef LAGOON_DUMP_H
#define LAGOON_DUMP_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

struct script;

enum { DUMP_HEAD_SIZE = 256 }; // of the first line about one, with a name and a reason

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

// Pushes what such a text says of one goroutine of the state, inside its strand. May raise.
void lagoon__push_goroutine(lua_State *L, struct script *s, const lg_g_info *info);

// The first line about one: 'goroutine 7 "name" [chan receive, 2 minutes]:'. name: NULL, it
// has none; is_running: it computes, whatever its status is.
void lagoon__dump_head(lg_runtime *rt, const lg_g_info *info, const char *name,
                       bool is_running, char out[DUMP_HEAD_SIZE]);

// Adds stack() and goroutines() to the table on top.
void lagoon__open_dump(lua_State *L, struct script *s);

#endif // LAGOON_DUMP_H
