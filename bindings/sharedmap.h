// SPDX-License-Identifier: MIT
//
// Tables that all Lua states change at once: the core's map, in the `data` of the shared
// object. What is in it has crossed, as a channel's values have: a cell is a struct
// value.
#ifndef LAGOON_SHAREDMAP_H
#define LAGOON_SHAREDMAP_H

#include <lagoon.h>
#include <lua.h>
#include <string.h>

#include "object.h"
#include "share.h"
#include "sharedkey.h"
#include "value.h"

struct script;

struct shared_map {
    struct object object;
    lg_map *map; // of the shared object, which the userdata keeps alive
};

extern const struct share_ops lagoon__map_ops;

static inline lg_cell lagoon__map_cell(struct value value)
{
    lg_cell cell = {.ref = value.ptr};
    memcpy(&cell.bits, &value.number, sizeof cell.bits);
    return cell;
}

static inline struct value lagoon__map_value(lg_cell cell)
{
    union {
        uint64_t bits;
        double number;
    } word = {.bits = cell.bits};
    return (struct value){.number = word.number, .ptr = cell.ref};
}

// Adds to the number under a key, or to 0 if there is nothing: LG_OK, and *out is the
// sum; LG_EINVAL, there is something else, which *out_cell tells; LG_ENOMEM. In a
// goroutine.
int lagoon__map_add(lg_map *map, const struct shared_key *key, double number, double *out,
                    lg_cell *out_cell);

// Adds shared_map() and the methods to the table on top.
void lagoon__open_map(lua_State *L, struct script *s);

#endif // LAGOON_SHAREDMAP_H
