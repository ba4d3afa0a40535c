// SPDX-License-Identifier: MIT
//
// glibc as the heap of a benchmark; it knows no sized free.
#ifndef LAGOON_BENCH_HEAP_H
#define LAGOON_BENCH_HEAP_H

#include "../malloc.h"

static inline void heap_free_sized(void *ptr, size_t size)
{
    (void)size;
    free(ptr);
}

#endif // LAGOON_BENCH_HEAP_H
