// SPDX-License-Identifier: MIT
//
// The public face of the allocator. Who is refused for the cap asks again behind a cycle
// of the collector.
#include "gc/gc.h"
#include "gc/scarce.h"
#include "mem/alloc.h"
#include "mem/malloc.h"
#include "mem/scavenge.h"
#include "sched/idle.h"
#include "sched/runtime.h"

void *lg_malloc(lg_runtime *rt, size_t size)
{
    if (!lg__alloc_is_granted()) {
        return NULL;
    }
    void *ptr = lg__malloc(&rt->heap, size);
    if (LG_UNLIKELY(!ptr) && lg__gc_scarce(rt->gc)) {
        ptr = lg__malloc(&rt->heap, size);
    }
    return ptr;
}

void *lg_calloc(lg_runtime *rt, size_t n, size_t size)
{
    if (!lg__alloc_is_granted()) {
        return NULL;
    }
    void *ptr = lg__calloc(&rt->heap, n, size);
    if (LG_UNLIKELY(!ptr) && lg__gc_scarce(rt->gc)) {
        ptr = lg__calloc(&rt->heap, n, size);
    }
    return ptr;
}

void *lg_realloc(lg_runtime *rt, void *ptr, size_t size)
{
    if (size > 0 && !lg__alloc_is_granted()) {
        return NULL;
    }
    void *fresh = lg__realloc(&rt->heap, ptr, size);
    if (LG_UNLIKELY(!fresh) && size > 0 && lg__gc_scarce(rt->gc)) {
        fresh = lg__realloc(&rt->heap, ptr, size);
    }
    return fresh;
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
    if (nsize > osize && !lg__alloc_is_granted()) {
        return NULL;
    }
    if (LG_UNLIKELY(!rt->alloc.heap)) {
        return rt->alloc.fn(rt->alloc.ud, ptr, osize, nsize);
    }
    void *fresh = lg__alloc_for(&rt->heap, use, ptr, osize, nsize);
    if (LG_UNLIKELY(!fresh && nsize > 0) && lg__gc_scarce(rt->gc)) {
        fresh = lg__alloc_for(&rt->heap, use, ptr, osize, nsize);
    }
    return fresh;
}

void lg_free_at_least(lg_runtime *rt, lg_use use, void *ptr, size_t osize)
{
    if (LG_UNLIKELY(!rt->alloc.heap)) {
        rt->alloc.fn(rt->alloc.ud, ptr, osize, 0);
    } else {
        lg__free_at_least(&rt->heap, use, ptr, osize);
    }
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
