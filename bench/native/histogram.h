// SPDX-License-Identifier: MIT
//
// Times in buckets that are a sixteenth of a power of two wide, so that a quantile is off by
// 6 % at most; go/meter has the same.
#ifndef LAGOON_BENCH_HISTOGRAM_H
#define LAGOON_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 64 * 16 };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
};

static inline void histogram_add(struct histogram *h, uint64_t value)
{
    value = value < 16 ? 16 : value;
    int shift = 59 - __builtin_clzll(value);
    h->counts[shift * 16 + (int)(value >> shift)]++;
}

static inline void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        into->counts[i] += from->counts[i];
    }
}

// The upper end of the bucket where a share of all values, 0 to 1, is at or below.
static inline double histogram_quantile(const struct histogram *h, double share)
{
    double all = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        all += (double)h->counts[i];
    }
    double seen = 0;
    double end = 0;
    for (int i = 16; i < HISTOGRAM_BUCKETS && seen < share * all; i++) {
        seen += (double)h->counts[i];
        int shift = i / 16 - 1;
        end = (double)(i - shift * 16 + 1) * (double)(UINT64_C(1) << shift);
    }
    return end;
}

#endif // LAGOON_BENCH_HISTOGRAM_H
