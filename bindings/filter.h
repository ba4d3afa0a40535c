// SPDX-License-Identifier: MIT
//
// Sets of a few tables, asked about many others: what has been added is always found,
// and few of the others are.
#ifndef LAGOON_FILTER_H
#define LAGOON_FILTER_H

#include <stdbool.h>
#include <stdint.h>

enum { FILTER_WORDS = 16 };

// Zero bytes are an empty one.
struct filter {
    uint64_t words[FILTER_WORDS];
};

// The word of an address, and its bit in that.
static inline uint32_t lagoon__filter_word(const void *address, uint64_t *out_bit)
{
    uint64_t hash = (uint64_t)(uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15);
    *out_bit = UINT64_C(1) << (hash >> 58);
    return (uint32_t)(hash >> 54) & (FILTER_WORDS - 1);
}

static inline void lagoon__filter_add(struct filter *filter, const void *address)
{
    uint64_t bit;
    uint32_t word = lagoon__filter_word(address, &bit);
    filter->words[word] |= bit;
}

static inline bool lagoon__filter_has(const struct filter *filter, const void *address)
{
    uint64_t bit;
    uint32_t word = lagoon__filter_word(address, &bit);
    return (filter->words[word] & bit) != 0;
}

#endif // LAGOON_FILTER_H
