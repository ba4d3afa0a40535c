// SPDX-License-Identifier: MIT
#include "mem/alloc.h"

#include <string.h>

#include "mem/malloc.h"

#ifdef LG_CHECK
static _Atomic int countdown; // requests until one fails, that one too; 0: none does
static _Atomic bool is_failing_for_good;

int lg_check_fail_alloc(int n, bool is_for_good)
{
    // relaxed: specs ask for it before they start what may fail
    atomic_store_explicit(&is_failing_for_good, is_for_good, memory_order_relaxed);
    int left = atomic_exchange_explicit(&countdown, n, memory_order_relaxed);
    return left > 0 ? left - 1 : 0;
}

bool lg__alloc_is_granted(void)
{
    // relaxed: a count, it orders nothing
    int left = atomic_load_explicit(&countdown, memory_order_relaxed);
    while (left > 0) {
        bool is_last = left == 1;
        if (is_last && atomic_load_explicit(&is_failing_for_good, memory_order_relaxed)) {
            return false;
        }
        if (atomic_compare_exchange_weak_explicit(&countdown, &left, left - 1,
                                                  memory_order_relaxed,
                                                  memory_order_relaxed)) {
            return !is_last;
        }
    }
    return true;
}
#endif

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
    if (!lg__alloc_is_granted()) {
        return NULL;
    }
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
