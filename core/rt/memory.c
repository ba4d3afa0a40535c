// SPDX-License-Identifier: MIT
//
// The public face of the allocator.
#include "mem/malloc.h"
#include "mem/scavenge.h"
#include "sched/idle.h"
#include "sched/runtime.h"

void *lg_malloc(lg_runtime *rt, size_t size)
{
    return lg__malloc(&rt->heap, size);
}

void *lg_calloc(lg_runtime *rt, size_t n, size_t size)
{
    return lg__calloc(&rt->heap, n, size);
}

void *lg_realloc(lg_runtime *rt, void *ptr, size_t size)
{
    return lg__realloc(&rt->heap, ptr, size);
}

void lg_free(lg_runtime *rt, void *ptr)
{
    lg__free(&rt->heap, ptr);
}

void lg_free_sized(lg_runtime *rt, void *ptr, size_t size)
{
    lg__free_sized(&rt->heap, ptr, size);
}

size_t lg_malloc_size(const void *ptr)
{
    return lg__malloc_size(ptr);
}

void *lg_alloc(lg_runtime *rt, lg_use use, void *ptr, size_t osize, size_t nsize)
{
    if (LG_UNLIKELY(!rt->alloc.heap)) {
        return rt->alloc.fn(rt->alloc.ud, ptr, osize, nsize);
    }
    return lg__alloc_for(&rt->heap, use, ptr, osize, nsize);
}

size_t lg_mem_release(lg_runtime *rt)
{
    struct mcache *mc = lg__mcache_own(&rt->heap);
    if (mc) {
        lg__mcache_flush(mc);
    }
    lg__ps_flush_idle_now(rt);
    lg__heap_empty_caches(&rt->heap);
    return lg__heap_release(&rt->heap, SIZE_MAX) << PAGE_SHIFT;
}
