// SPDX-License-Identifier: MIT
//
// A small random generator for scheduling decisions (wyrand, by Wang Yi):
// 64 bits of state, full period, not for secrets.
#ifndef LG_BASE_RAND_H
#define LG_BASE_RAND_H

#include "base/base.h"

struct rand {
    uint64_t state;
};

LG_INLINE uint32_t lg__rand(struct rand *r)
{
    r->state += 0xa0761d6478bd642fULL;
    __uint128_t product =
        (__uint128_t)r->state * (__uint128_t)(r->state ^ 0xe7037ed1a0b428dbULL);
    return (uint32_t)((uint64_t)(product >> 64) ^ (uint64_t)product);
}

// Uniform in [0, n) to within n / 2^32 (Lemire's multiplication).
LG_INLINE uint32_t lg__rand_below(struct rand *r, uint32_t n)
{
    return (uint32_t)(((uint64_t)lg__rand(r) * n) >> 32);
}

#endif // LG_BASE_RAND_H
