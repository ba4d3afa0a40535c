// SPDX-License-Identifier: MIT
//
// A range of chunks in one word. Its worker takes the first; one without work takes the
// later half. After the stealing of loop iterations in LLVM's OpenMP runtime
// (schedule static_steal, kmp_dispatch.cpp).
//
//   63      32 31       0
//  +----------+----------+
//  | end      | begin    |    [begin, end), empty when they are equal
//  +----------+----------+
//
// Each chunk stands in one range at a time, so a word that is not empty and that a CAS
// finds again means the same chunks again, whatever happened in between.
#ifndef LG_SYNC_RANGES_H
#define LG_SYNC_RANGES_H

#include "base/base.h"

struct chunks {
    uint32_t begin;
    uint32_t end;
};

struct range {
    _Atomic uint64_t word;
    char line[LG_CACHELINE - sizeof(uint64_t)]; // the allocator aligns to 16 bytes only
};

LG_INLINE uint64_t lg__range_word(uint32_t begin, uint32_t end)
{
    return (uint64_t)end << 32 | begin;
}

LG_INLINE struct chunks lg__range_chunks(uint64_t word)
{
    return (struct chunks){.begin = (uint32_t)word, .end = (uint32_t)(word >> 32)};
}

// By its worker, while it is empty.
LG_INLINE void lg__range_fill(struct range *range, struct chunks chunks)
{
    // relaxed: it tells of numbers only; what a chunk is was published with the loop
    atomic_store_explicit(&range->word, lg__range_word(chunks.begin, chunks.end),
                          memory_order_relaxed);
}

LG_INLINE bool lg__range_is_empty(struct range *range)
{
    // relaxed: a guess
    uint64_t word = atomic_load_explicit(&range->word, memory_order_relaxed);
    return lg__range_chunks(word).begin == lg__range_chunks(word).end;
}

// Takes the first chunk. False: there is none.
LG_INLINE bool lg__range_take(struct range *range, uint32_t *out)
{
    // relaxed, as all here: see lg__range_fill()
    uint64_t word = atomic_load_explicit(&range->word, memory_order_relaxed);
    for (;;) {
        struct chunks all = lg__range_chunks(word);
        if (all.begin == all.end) {
            return false;
        }
        if (atomic_compare_exchange_weak_explicit(
                &range->word, &word, lg__range_word(all.begin + 1, all.end),
                memory_order_relaxed, memory_order_relaxed)) {
            *out = all.begin;
            return true;
        }
    }
}

// Takes the later half, of an odd number the larger one. False: there is nothing.
LG_INLINE bool lg__range_steal(struct range *range, struct chunks *out)
{
    // relaxed: as above
    uint64_t word = atomic_load_explicit(&range->word, memory_order_relaxed);
    for (;;) {
        struct chunks all = lg__range_chunks(word);
        if (all.begin == all.end) {
            return false;
        }
        uint32_t middle = all.begin + (all.end - all.begin) / 2;
        if (atomic_compare_exchange_weak_explicit(
                &range->word, &word, lg__range_word(all.begin, middle),
                memory_order_relaxed, memory_order_relaxed)) {
            *out = (struct chunks){.begin = middle, .end = all.end};
            return true;
        }
    }
}

#endif // LG_SYNC_RANGES_H
