// SPDX-License-Identifier: MIT
//
// Free blocks and the lists of them: each holds the next in its first word. The
// sanitizer's build keeps them poisoned meanwhile, so only these may look inside.
#ifndef LG_MEM_BLOCK_H
#define LG_MEM_BLOCK_H

#include "mem/poison.h"

#ifdef LG_HAS_ASAN
#define LG_BLOCK_ACCESS LG_NO_ASAN LG_NOINLINE static __attribute__((unused))
#else
#define LG_BLOCK_ACCESS LG_INLINE
#endif

struct block {
    struct block *next;
};

LG_BLOCK_ACCESS struct block *lg__block_next(const struct block *block)
{
    return block->next;
}

LG_BLOCK_ACCESS void lg__block_link(struct block *block, struct block *next)
{
    block->next = next;
}

#endif // LG_MEM_BLOCK_H
