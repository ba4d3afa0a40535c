// SPDX-License-Identifier: MIT
//
// native/parallel.h over TBB, which is C++: parallel.cpp.
#ifndef LAGOON_BENCH_PARALLEL_H
#define LAGOON_BENCH_PARALLEL_H

#include <stopwatch.h>

void parallel_for(size_t n, size_t grain, void (*fn)(void *arg, size_t begin, size_t end),
                  void *arg);
void parallel_jobs(size_t n, void (*fn)(void *arg), void *arg);
void parallel_threads(int64_t nthreads);

static inline int parallel_main(int argc, char **argv, int64_t otherwise,
                                void (*bench)(int64_t size))
{
    parallel_threads(meter_setting("LAGOON_PROCS", 1));
    bench(meter_size(argc, argv, otherwise));
    return 0;
}

#endif // LAGOON_BENCH_PARALLEL_H
