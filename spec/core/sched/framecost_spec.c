// SPDX-License-Identifier: MIT
#include "sched/framecost.h"

#include "sched/runtime.h"
#include "spec.h"

static lg_frame_stats stats_of(lg_runtime *rt)
{
    lg_frame_stats stats = {.size_bytes = sizeof stats};
    lg_get_frame_stats(rt, &stats);
    return stats;
}

it("frame costs of a fresh runtime", "are all 0", .procs = 1)
{
    lg_frame_stats stats = stats_of(rt);
    CHECK_INT(stats.count, 0);
    CHECK_INT(stats.over, 0);
    CHECK_INT(stats.max_ns, 0);
    CHECK_INT(stats.p50_ns, 0);
    CHECK_INT(stats.p99_ns, 0);
}

it("frame costs", "are counted, and those over a sixtieth of a second apart", .procs = 1)
{
    lg__frame_cost_note(rt, LG_FRAME_NS);
    lg__frame_cost_note(rt, LG_FRAME_NS + 1);
    lg__frame_cost_note(rt, 1000);
    lg_frame_stats stats = stats_of(rt);
    CHECK_INT(stats.count, 3);
    CHECK_INT(stats.over, 1);
    CHECK_INT(stats.last_ns, 1000);
    CHECK_INT(stats.max_ns, LG_FRAME_NS + 1);
    CHECK_INT(stats.total_ns, 2 * LG_FRAME_NS + 1001);
}

// Each a lower bound that the histogram may exceed by an eighth, never by more.
static void check_percentile(int64_t got, int64_t exact)
{
    CHECK_BETWEEN(got, exact, exact + exact / 8 + 1024);
}

it("percentiles of frame costs", "are at most an eighth too high", .procs = 1)
{
    for (int64_t us = 1; us <= 1000; us++) {
        lg__frame_cost_note(rt, us * 1000);
    }
    lg_frame_stats stats = stats_of(rt);
    check_percentile(stats.p50_ns, 500 * 1000);
    check_percentile(stats.p90_ns, 900 * 1000);
    check_percentile(stats.p99_ns, 990 * 1000);
    CHECK(stats.p99_ns <= stats.max_ns);
}

it("frame costs of any size", "have a bucket", .procs = 1)
{
    static const int64_t costs[] = {-1, 0, 1, 1023, 1024, 1151, 1152, INT64_MAX / 2};
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        lg__frame_cost_note(rt, costs[i]);
    }
    for (int bit = 0; bit < 62; bit++) {
        lg__frame_cost_note(rt, ((int64_t)1 << bit) - 1);
    }
    uint64_t sum = 0;
    for (int i = 0; i < FRAME_COST_BUCKETS; i++) {
        sum += atomic_load(&rt->frame_costs.buckets[i]);
    }
    CHECK_INT(sum, sizeof costs / sizeof *costs + 62);
    CHECK_INT(stats_of(rt).max_ns, INT64_MAX / 2);
}

it("an older caller's record of frame costs", "is filled as far as it goes", .procs = 1)
{
    lg__frame_cost_note(rt, 5000);
    lg_frame_stats stats;
    memset(&stats, 0x55, sizeof stats);
    stats.size_bytes = offsetof(lg_frame_stats, over);
    lg_get_frame_stats(rt, &stats);
    CHECK_INT(stats.count, 1);
    CHECK_INT(stats.over, 0x5555555555555555);
}
