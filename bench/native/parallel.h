// SPDX-License-Identifier: MIT
//
// Parallel loops and jobs as lagoon has them. peers/openmp/parallel.h and peers/tbb/parallel.h
// have the same functions.
#ifndef LAGOON_BENCH_PARALLEL_H
#define LAGOON_BENCH_PARALLEL_H

#include "meter.h"

// grain 0: the library decides.
static inline void parallel_for(size_t n, size_t grain,
                                void (*fn)(void *arg, size_t begin, size_t end),
                                void *arg)
{
    meter_ok(lg_parallel_for(meter_rt, n, grain, fn, arg));
}

// Starts n jobs, and waits until all have ended.
static inline void parallel_jobs(size_t n, void (*fn)(void *arg), void *arg)
{
    lg_waitgroup group = {0};
    for (size_t i = 0; i < n; i++) {
        meter_ok(lg_waitgroup_go(meter_rt, &group, fn, arg, NULL));
    }
    meter_ok(lg_waitgroup_wait(&group, LG_NEVER));
}

static inline int parallel_main(int argc, char **argv, int64_t otherwise,
                                void (*bench)(int64_t size))
{
    return meter_main(argc, argv, otherwise, bench);
}

#endif // LAGOON_BENCH_PARALLEL_H
