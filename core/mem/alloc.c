// SPDX-License-Identifier: MIT
#include "mem/alloc.h"

#include <string.h>

#include "mem/malloc.h"

static void *heap_fn(void *ud, void *ptr, size_t osize, size_t nsize)
{
    return lg__alloc_for(ud, LG_USE_OTHER, ptr, osize, nsize);
}

void lg__alloc_init(struct alloc *alloc, struct heap *h,
                    void *(*fn)(void *ud, void *ptr, size_t osize, size_t nsize),
                    void *ud)
{
    *alloc = (struct alloc){
        .fn = fn ? fn : heap_fn,
        .ud = fn ? ud : h,
        .heap = fn ? NULL : h,
    };
}

void *lg__alloc_raw_for(const struct alloc *alloc, lg_use use, size_t size_bytes)
{
    return alloc->heap ? lg__alloc_for(alloc->heap, use, NULL, 0, size_bytes)
                       : alloc->fn(alloc->ud, NULL, 0, size_bytes);
}

void *lg__alloc_new_for(const struct alloc *alloc, lg_use use, size_t size_bytes)
{
    void *ptr = lg__alloc_raw_for(alloc, use, size_bytes);
    if (ptr) {
        memset(ptr, 0, size_bytes);
    }
    return ptr;
}

void lg__alloc_free_for(const struct alloc *alloc, lg_use use, void *ptr,
                        size_t size_bytes)
{
    if (!ptr) {
        return;
    }
    if (alloc->heap) {
        lg__alloc_for(alloc->heap, use, ptr, size_bytes, 0);
    } else {
        alloc->fn(alloc->ud, ptr, size_bytes, 0);
    }
}

void *lg__alloc_new(const struct alloc *alloc, size_t size_bytes)
{
    return lg__alloc_new_for(alloc, LG_USE_OTHER, size_bytes);
}

void lg__alloc_free(const struct alloc *alloc, void *ptr, size_t size_bytes)
{
    lg__alloc_free_for(alloc, LG_USE_OTHER, ptr, size_bytes);
}
