// SPDX-License-Identifier: MIT
//
// Blocks that their owners free: what lg_malloc() and its kin are, for a heap.
//
// The usual case is inlined where it is called: a size to a class, the thread's
// cache, a block off its list. Large blocks are spans of their own.
#ifndef LG_MEM_MALLOC_H
#define LG_MEM_MALLOC_H

#include "mem/guard.h"
#include "mem/mcache.h"
#include "mem/mheap.h"

void *lg__malloc_slow(struct heap *h, size_t size_bytes);
void lg__free_slow(struct heap *h, void *ptr);

// Uninitialised memory; NULL: there is none.
LG_INLINE void *lg__malloc(struct heap *h, size_t size_bytes)
{
    struct mcache *mc = lg__mcache_own(h);
    if (LG_UNLIKELY(!mc || size_bytes > LOOKUP_BYTES_MAX)) {
        return lg__malloc_slow(h, size_bytes);
    }
    void *ptr = lg__mcache_get(mc, lg__class_lookup_aligned[(size_bytes + 7) / 8]);
    if (ptr) {
        lg__guard_take(ptr);
    }
    return ptr;
}

// NULL does nothing.
LG_INLINE void lg__free(struct heap *h, void *ptr)
{
    struct mcache *mc = lg__mcache_own(h);
    if (LG_UNLIKELY(!mc || !ptr)) {
        lg__free_slow(h, ptr);
        return;
    }
    lg__guard_drop(h, ptr, SIZE_MAX, "lg_free()");
    struct arena *arena = lg__arena_of(ptr);
    uint32_t class = arena->classes[lg__arena_page(arena, ptr)];
    if (LG_UNLIKELY(class == 0)) {
        lg__free_slow(h, ptr);
        return;
    }
    lg__mcache_put(mc, class, ptr);
}

void *lg__calloc(struct heap *h, size_t n, size_t size_bytes);
void *lg__realloc(struct heap *h, void *ptr, size_t size_bytes);
void lg__free_sized(struct heap *h, void *ptr, size_t size_bytes);

// Bytes that a live block has.
size_t lg__malloc_size(const void *ptr);

// Frees what has size_bytes at least, counted for a use.
void lg__free_at_least(struct heap *h, lg_use use, void *ptr, size_t size_bytes);

// Like realloc, with sizes and what it is for; nsize 0 frees.
void *lg__alloc_for(struct heap *h, lg_use use, void *ptr, size_t osize, size_t nsize);

#endif // LG_MEM_MALLOC_H
