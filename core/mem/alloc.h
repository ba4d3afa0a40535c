// SPDX-License-Identifier: MIT
//
// How the core itself allocates: from the runtime's heap, or through the host's hook
// if it has one. Callers know the sizes, so nothing is stored beside a block.
#ifndef LG_MEM_ALLOC_H
#define LG_MEM_ALLOC_H

#include "base/base.h"
#include "lagoon.h"

struct heap;

struct alloc {
    // Like realloc; nsize 0 frees and returns NULL.
    void *(*fn)(void *ud, void *ptr, size_t osize, size_t nsize);
    void *ud;
    struct heap *heap; // NULL: it is the host's hook
};

// Of a heap; of a hook if fn is not NULL.
void lg__alloc_init(struct alloc *alloc, struct heap *h,
                    void *(*fn)(void *ud, void *ptr, size_t osize, size_t nsize),
                    void *ud);

// Whether a request for more memory may go on. In the check build lg_check_fail_alloc() lets
// one fail, of those for records of the core's and of lg_alloc(), lg_malloc() and their kin.
#ifdef LG_CHECK
bool lg__alloc_is_granted(void);

// The n-th such request from now fails, of all runtimes, and all that follow if
// `is_for_good`; 0: none any more. Returns how many would have been granted still: 0, it has
// failed. For specs, which find it by the FFI.
LG_API int lg_check_fail_alloc(int n, bool is_for_good);
#else
LG_INLINE bool lg__alloc_is_granted(void)
{
    return true;
}
#endif

// Zeroed memory, or NULL.
void *lg__alloc_new(const struct alloc *alloc, size_t size_bytes);

void lg__alloc_free(const struct alloc *alloc, void *ptr, size_t size_bytes);

// The same, counted for a use; raw: with whatever stands there.
void *lg__alloc_raw_for(const struct alloc *alloc, lg_use use, size_t size_bytes);
void *lg__alloc_new_for(const struct alloc *alloc, lg_use use, size_t size_bytes);
void lg__alloc_free_for(const struct alloc *alloc, lg_use use, void *ptr,
                        size_t size_bytes);

#endif // LG_MEM_ALLOC_H
