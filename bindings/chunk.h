// SPDX-License-Identifier: MIT
//
// Chunks of bytecode: dumped, and made into chunks that make closures. What is learnt
// about a state's LuaJIT is here, too: if its bytecode is not what we know, functions
// are not sent; if only makers do not work, each closure is loaded by itself.
#ifndef LAGOON_CHUNK_H
#define LAGOON_CHUNK_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "bytecode.h"
#include "opcodes.h"

struct script;

// A state's.
struct chunks {
    struct script *script;
    bool has_learnt;
    bool is_understood;
    bool can_splice;
    struct opcodes opcodes;
    char *dump; // memory for dumps
    size_t dump_size;
    size_t dump_cap;
};

// Finds out about LuaJIT, at the first call. Raises.
void lagoon__chunks_learn(lua_State *L, struct chunks *chunks);

// Frees the memory.
void lagoon__chunks_fini(struct chunks *chunks);

// Pushes the dump of the Lua function on top. Raises.
void lagoon__chunk_push_dump(lua_State *L, struct chunks *chunks);

// Pushes what is read from the dump on top, which must stay. NULL: it is not
// understood. Raises.
struct bytecode *lagoon__chunk_push_bytecode(lua_State *L);

// Pushes the chunk that makes closures of what was dumped; or pushes nothing and
// returns false. Raises.
bool lagoon__chunk_push_maker(lua_State *L, struct chunks *chunks,
                              const struct bytecode *user);

// Pushes the function of a chunk. Raises.
void lagoon__chunk_load(lua_State *L, struct bytes chunk);

// The string at an index.
struct bytes lagoon__chunk_at(lua_State *L, int index);

#endif // LAGOON_CHUNK_H
