// SPDX-License-Identifier: MIT
//
// A list of Lua values that grows at its end: on the stack while they are few, then in
// tables of a fixed size, which never have to grow.
//
//   stack   | 1st | 2nd | ... | 64th | tables | table written | table read |
#ifndef LAGOON_KEPT_H
#define LAGOON_KEPT_H

#include <lua.h>
#include <stdint.h>

enum { KEPT_SLOTS = 64, KEPT_ROOM = KEPT_SLOTS + 3 };

struct kept {
    lua_State *L;
    int first;         // index of the first slot
    uint32_t nslots;   // at most KEPT_SLOTS
    uint32_t n;        // values in the list
    uint32_t table_at; // which table is the one read
};

// Makes an empty list; pushes nslots + 3 values, for which L has room.
void lagoon__kept_init(struct kept *kept, lua_State *L, uint32_t nslots);

// The same as lagoon__kept_add() and lagoon__kept_push(), where no slot is. Raise.
void lagoon__kept_spill(struct kept *kept);
void lagoon__kept_load(struct kept *kept, uint32_t i);

// Adds the value on top of L, which stays there. Raises.
static inline void lagoon__kept_add(struct kept *kept)
{
    if (kept->n < kept->nslots) {
        lua_copy(kept->L, -1, kept->first + (int)kept->n);
        kept->n++;
    } else {
        lagoon__kept_spill(kept);
    }
}

static inline void lagoon__kept_push(struct kept *kept, uint32_t i)
{
    if (i < kept->nslots) {
        lua_pushvalue(kept->L, kept->first + (int)i);
    } else {
        lagoon__kept_load(kept, i);
    }
}

#endif // LAGOON_KEPT_H
