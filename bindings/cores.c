// SPDX-License-Identifier: MIT
#include "cores.h"

#include <stddef.h>
#include <string.h>

#include "fail.h"
#include "state.h"

static struct core_block *block_of(void *core)
{
    return (struct core_block *)(void *)((char *)core -
                                         offsetof(struct core_block, mutex));
}

void *lagoon__core_new(lua_State *L, struct script *s)
{
    struct core_block *block = s->cores;
    if (block != NULL) {
        s->cores = block->next;
        memset(block, 0, sizeof *block);
    } else {
        block = lg_calloc(s->rt, 1, sizeof *block);
    }
    if (block == NULL) {
        lagoon__raise_memory(L);
    }
    return &block->mutex;
}

void lagoon__core_put(struct script *s, void *core)
{
    struct core_block *block = block_of(core);
    block->next = s->cores;
    s->cores = block;
}

void lagoon__core_free(lg_runtime *rt, void *core)
{
    lg_free_sized(rt, block_of(core), sizeof(struct core_block));
}

void lagoon__cores_fini(struct script *s)
{
    while (s->cores != NULL) {
        struct core_block *block = s->cores;
        s->cores = block->next;
        lg_free_sized(s->ending_rt, block, sizeof *block);
    }
}
