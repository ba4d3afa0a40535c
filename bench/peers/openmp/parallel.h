// SPDX-License-Identifier: MIT
//
// native/parallel.h over OpenMP: a team of threads that every loop is shared out to.
#ifndef LAGOON_BENCH_PARALLEL_H
#define LAGOON_BENCH_PARALLEL_H

#include <omp.h>
#include <stopwatch.h>

static inline void parallel_for(size_t n, size_t grain,
                                void (*fn)(void *arg, size_t begin, size_t end),
                                void *arg)
{
    if (grain == 0) {
#pragma omp parallel
        {
            size_t team = (size_t)omp_get_num_threads();
            size_t mine = (size_t)omp_get_thread_num();
            size_t begin = n * mine / team;
            size_t end = n * (mine + 1) / team;
            if (begin < end) {
                fn(arg, begin, end);
            }
        }
        return;
    }
    size_t nchunks = (n - 1) / grain + 1;
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t chunk = 0; chunk < nchunks; chunk++) {
        size_t begin = chunk * grain;
        fn(arg, begin, n - begin < grain ? n : begin + grain);
    }
}

static inline void parallel_jobs(size_t n, void (*fn)(void *arg), void *arg)
{
#pragma omp parallel
#pragma omp single
#pragma omp taskloop grainsize(1)
    for (size_t i = 0; i < n; i++) {
        fn(arg);
    }
}

static inline int parallel_main(int argc, char **argv, int64_t otherwise,
                                void (*bench)(int64_t size))
{
    omp_set_num_threads((int)meter_setting("LAGOON_PROCS", 1));
    bench(meter_size(argc, argv, otherwise));
    return 0;
}

#endif // LAGOON_BENCH_PARALLEL_H
