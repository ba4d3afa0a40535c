// SPDX-License-Identifier: MIT
#include "mem/alloc.h"

#include <stdlib.h>
#include <string.h>

void *lg__alloc_system(void *ud, void *ptr, size_t osize, size_t nsize)
{
    (void)ud;
    (void)osize;
    if (nsize == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, nsize);
}

void *lg__alloc_new(const struct alloc *alloc, size_t size_bytes)
{
    void *ptr = alloc->fn(alloc->ud, NULL, 0, size_bytes);
    if (ptr) {
        memset(ptr, 0, size_bytes);
    }
    return ptr;
}

void lg__alloc_free(const struct alloc *alloc, void *ptr, size_t size_bytes)
{
    if (ptr) {
        alloc->fn(alloc->ud, ptr, size_bytes, 0);
    }
}
