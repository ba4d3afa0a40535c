// SPDX-License-Identifier: MIT
//
// The runtime's memory: everything that is not a stack comes through the
// host's allocator hook. Callers know the sizes, so nothing is stored beside a
// block.
#ifndef LG_MEM_ALLOC_H
#define LG_MEM_ALLOC_H

#include "base/base.h"

struct alloc {
    // Like realloc; nsize 0 frees and returns NULL.
    void *(*fn)(void *ud, void *ptr, size_t osize, size_t nsize);
    void *ud;
};

// The C library's malloc behind the hook's signature.
void *lg__alloc_system(void *ud, void *ptr, size_t osize, size_t nsize);

// Zeroed memory, or NULL.
void *lg__alloc_new(const struct alloc *alloc, size_t size_bytes);

void lg__alloc_free(const struct alloc *alloc, void *ptr, size_t size_bytes);

#endif // LG_MEM_ALLOC_H
