// SPDX-License-Identifier: MIT
//
// What reads and writes of connections and files have in common: formats, and bytes that are
// taken out of the core.
#ifndef LAGOON_STREAM_H
#define LAGOON_STREAM_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

// What a read asks for: a number, "*l", "*L" or "*a", also without the star; none: some.
struct format {
    lg_want want;
    size_t n;
    size_t chopped; // of the newline at the end of a line
};

// The format at index 2; false: it is none.
bool lagoon__read_format(lua_State *L, struct format *out);

// Where bytes that have come stand.
struct stream_ops {
    size_t (*peek)(const void *core, const void **out);
    void (*skip)(void *core, size_t n);
};

// Takes n bytes out and pushes them, but for the newline at the end.
void lagoon__push_taken(lua_State *L, const struct stream_ops *ops, void *core, size_t n,
                        size_t chopped);

// Makes one string at index 2 of what is to be written. Raises.
void lagoon__join_arguments(lua_State *L);

// Adds a number as the fourth result of n that a finish_fn has pushed, if they are an
// error's and none to be raised. Returns how many there are now.
int lagoon__add_count(lua_State *L, int n, size_t count);

#endif // LAGOON_STREAM_H
