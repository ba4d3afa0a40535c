// SPDX-License-Identifier: MIT
#include "sched/framecost.h"

#include <string.h>

#include "sched/runtime.h"

// A figure with one writer.
#define LOAD(figure) atomic_load_explicit(&(figure), memory_order_relaxed)
#define STORE(figure, value) \
    atomic_store_explicit(&(figure), (value), memory_order_relaxed)

static uint32_t bucket_of(int64_t ns)
{
    uint64_t value = ns > 0 ? (uint64_t)ns : 0;
    if (value < (uint64_t)1 << FRAME_COST_FIRST_BIT) {
        return 0;
    }
    uint32_t bit = 63 - (uint32_t)__builtin_clzll(value);
    if (bit >= FRAME_COST_LAST_BIT) {
        return FRAME_COST_BUCKETS - 1;
    }
    uint32_t step = (uint32_t)(value >> (bit - 3)) % FRAME_COST_STEPS;
    return 1 + (bit - FRAME_COST_FIRST_BIT) * FRAME_COST_STEPS + step;
}

// The least value that is too large for a bucket.
static int64_t end_of(uint32_t bucket)
{
    if (bucket == 0) {
        return (int64_t)1 << FRAME_COST_FIRST_BIT;
    }
    uint32_t bit = FRAME_COST_FIRST_BIT + (bucket - 1) / FRAME_COST_STEPS;
    int64_t step = (bucket - 1) % FRAME_COST_STEPS + 1;
    return ((int64_t)1 << bit) + (step << (bit - 3));
}

_Static_assert(FRAME_COST_STEPS == 8, "three bits, above");

void lg__frame_cost_note(struct lg_runtime *rt, int64_t spent_ns)
{
    struct frame_costs *costs = &rt->frame_costs;
    int64_t ns = spent_ns > 0 ? spent_ns : 0;
    _Atomic uint64_t *bucket = &costs->buckets[bucket_of(ns)];
    STORE(*bucket, LOAD(*bucket) + 1);
    STORE(costs->count, LOAD(costs->count) + 1);
    STORE(costs->over, LOAD(costs->over) + (ns > LG_FRAME_NS));
    int64_t total_ns = LOAD(costs->total_ns);
    STORE(costs->total_ns, ns < INT64_MAX - total_ns ? total_ns + ns : INT64_MAX);
    STORE(costs->last_ns, ns);
    if (ns > LOAD(costs->max_ns)) {
        STORE(costs->max_ns, ns);
    }
}

// What `permille` of the frames have not cost more than.
static int64_t percentile(struct frame_costs *costs, uint64_t count, uint64_t permille)
{
    uint64_t rank = (count * permille + 999) / 1000;
    int64_t max_ns = LOAD(costs->max_ns);
    uint64_t seen = 0;
    for (uint32_t i = 0; i + 1 < FRAME_COST_BUCKETS; i++) {
        seen += LOAD(costs->buckets[i]);
        if (seen >= rank) {
            return end_of(i) < max_ns ? end_of(i) : max_ns;
        }
    }
    return max_ns;
}

void lg_get_frame_stats(lg_runtime *rt, lg_frame_stats *out)
{
    struct frame_costs *costs = &rt->frame_costs;
    uint64_t count = LOAD(costs->count);
    lg_frame_stats stats = {
        .size_bytes = out->size_bytes,
        .count = count,
        .over = LOAD(costs->over),
        .total_ns = LOAD(costs->total_ns),
        .last_ns = LOAD(costs->last_ns),
        .max_ns = LOAD(costs->max_ns),
        .p50_ns = percentile(costs, count, 500),
        .p90_ns = percentile(costs, count, 900),
        .p99_ns = percentile(costs, count, 990),
    };
    size_t size_bytes = out->size_bytes < sizeof stats ? out->size_bytes : sizeof stats;
    memcpy(out, &stats, size_bytes);
}
