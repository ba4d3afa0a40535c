// SPDX-License-Identifier: MIT
//
// How closures of a prototype are made: the bytes that a code refers to, without
// references of their own.
//
//   counts and offsets | names of globals | chunk of bytecode
#ifndef LAGOON_RECIPE_H
#define LAGOON_RECIPE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytecode.h"

struct chunks;

struct recipe_name {
    uint32_t offset; // from the recipe's begin; there is a zero behind it
    uint32_t length;
};

struct recipe {
    int nups;
    uint32_t nglobals;
    bool is_maker; // the chunk makes closures; or it is a closure itself
    size_t chunk_offset;
    size_t chunk_size;
    struct recipe_name globals[];
};

static inline struct bytes lagoon__recipe_chunk(const struct recipe *recipe)
{
    return (struct bytes){(const uint8_t *)recipe + recipe->chunk_offset,
                          recipe->chunk_size};
}

// Makes the recipe of the function at an index, whose dump is on top; pushes several
// values, one of which keeps it. Raises if the function assigns what it captured.
struct recipe *lagoon__recipe_push(lua_State *L, struct chunks *chunks, int function);

#endif // LAGOON_RECIPE_H
