// SPDX-License-Identifier: MIT
//
// Catches misuse of blocks, in all builds but release: each span knows which of its
// blocks are live, free ones are painted, and paint that was scratched is found when
// the block is used again. The release build knows nothing of this and pays nothing.
#ifndef LG_MEM_GUARD_H
#define LG_MEM_GUARD_H

#include "mem/mheap.h"

#ifndef NDEBUG

// Prepares a span whose blocks are all free. LG_OK or LG_ENOMEM.
int lg__guard_span_init(struct heap *h, struct span *s);
void lg__guard_span_fini(struct heap *h, struct span *s);

// A block becomes live; fatal if its paint is scratched.
void lg__guard_take(void *ptr);

// Fatal unless ptr is the start of a live block of the heap. `what` names the call;
// size_bytes is what the caller believes it to have asked for, SIZE_MAX: not said.
void lg__guard_check(struct heap *h, const void *ptr, size_t size_bytes,
                     const char *what);

// The same, and the block is free from now on.
void lg__guard_drop(struct heap *h, void *ptr, size_t size_bytes, const char *what);

#else

LG_INLINE int lg__guard_span_init(struct heap *h, struct span *s)
{
    (void)h;
    (void)s;
    return 0;
}

LG_INLINE void lg__guard_span_fini(struct heap *h, struct span *s)
{
    (void)h;
    (void)s;
}

LG_INLINE void lg__guard_take(void *ptr)
{
    (void)ptr;
}

LG_INLINE void lg__guard_check(struct heap *h, const void *ptr, size_t size_bytes,
                               const char *what)
{
    (void)h;
    (void)ptr;
    (void)size_bytes;
    (void)what;
}

LG_INLINE void lg__guard_drop(struct heap *h, void *ptr, size_t size_bytes,
                              const char *what)
{
    (void)h;
    (void)ptr;
    (void)size_bytes;
    (void)what;
}

#endif

#endif // LG_MEM_GUARD_H
