// SPDX-License-Identifier: MIT
//
// mimalloc as the heap of a benchmark: its library replaces malloc() and free().
#ifndef LAGOON_BENCH_HEAP_H
#define LAGOON_BENCH_HEAP_H

#include "../malloc.h"

#include <mimalloc.h>

static inline void heap_free_sized(void *ptr, size_t size)
{
    mi_free_size(ptr, size);
}

#endif // LAGOON_BENCH_HEAP_H
