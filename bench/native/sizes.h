// SPDX-License-Identifier: MIT
//
// The sizes that blocks have in the benchmarks where they differ.
#ifndef LAGOON_BENCH_SIZES_H
#define LAGOON_BENCH_SIZES_H

#include <stddef.h>
#include <stdint.h>

// Half are of 16 to 31 bytes, a quarter of 32 to 63, ..., the last of 1024 to 2047.
static inline size_t sizes_pick(uint64_t random)
{
    size_t base = (size_t)16 << __builtin_ctzll(random | 64);
    return base + ((size_t)(random >> 32) & (base - 1));
}

#endif // LAGOON_BENCH_SIZES_H
