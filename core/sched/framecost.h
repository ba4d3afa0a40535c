// SPDX-License-Identifier: MIT
//
// What the frames of a host have cost: a histogram with eight buckets for each power of
// two, so that a percentile read from it is at most an eighth too high (as in Tene's
// HdrHistogram). Written by the one thread that drives the runtime, read by anyone.
#ifndef LG_SCHED_FRAMECOST_H
#define LG_SCHED_FRAMECOST_H

#include "base/base.h"

struct lg_runtime;

enum {
    FRAME_COST_FIRST_BIT = 10, // up to 1024 ns: the first bucket
    FRAME_COST_LAST_BIT = 36,  // from 69 s on: the last
    FRAME_COST_STEPS = 8,      // in each power of two
    FRAME_COST_BUCKETS =
        (FRAME_COST_LAST_BIT - FRAME_COST_FIRST_BIT) * FRAME_COST_STEPS + 2,
};

struct frame_costs {
    // -- written by who drives, read by anyone, relaxed: figures --
    _Atomic uint64_t count;
    _Atomic uint64_t over; // LG_FRAME_NS
    _Atomic int64_t total_ns;
    _Atomic int64_t last_ns;
    _Atomic int64_t max_ns;
    _Atomic uint64_t buckets[FRAME_COST_BUCKETS];
};

// Notes the cost of one frame. The thread that drives the runtime.
void lg__frame_cost_note(struct lg_runtime *rt, int64_t spent_ns);

#endif // LG_SCHED_FRAMECOST_H
