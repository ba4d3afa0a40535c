// SPDX-License-Identifier: MIT
//
// The path to something that cannot be frozen: ".conf.log[3]".
#ifndef LAGOON_FROZENWAY_H
#define LAGOON_FROZENWAY_H

#include <lua.h>

// Two lists of Lua on the stack, by the number of a table: which table has mentioned it
// first, and under which key. Number 1 is the root.
struct frozen_way {
    int parents; // index
    int keys;    // index
    int table;   // a number: where something is wrong
};

// Writes the path, with the key at an index as its last leg; 0: without. `out` has
// LEGS_SIZE bytes.
void lagoon__frozen_way(lua_State *L, const struct frozen_way *way, int key, char *out);

#endif // LAGOON_FROZENWAY_H
