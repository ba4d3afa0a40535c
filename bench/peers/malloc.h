// SPDX-License-Identifier: MIT
//
// malloc() and free(), of whichever library the program is linked with.
#ifndef LAGOON_BENCH_MALLOC_H
#define LAGOON_BENCH_MALLOC_H

#include "threads.h"

static inline void *heap_alloc(size_t size)
{
    return malloc(size);
}

static inline void heap_free(void *ptr)
{
    free(ptr);
}

#endif // LAGOON_BENCH_MALLOC_H
