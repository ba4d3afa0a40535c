// SPDX-License-Identifier: MIT
//
// jemalloc as the heap of a benchmark: its library replaces malloc() and free().
#ifndef LAGOON_BENCH_HEAP_H
#define LAGOON_BENCH_HEAP_H

#include "../malloc.h"

#include <jemalloc/jemalloc.h>

static inline void heap_free_sized(void *ptr, size_t size)
{
    sdallocx(ptr, size, 0);
}

#endif // LAGOON_BENCH_HEAP_H
