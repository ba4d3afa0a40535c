// SPDX-License-Identifier: MIT
//
// native/parallel.h over TBB.
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_group.h>

using body = void (*)(void *arg, std::size_t begin, std::size_t end);

extern "C" void parallel_for(std::size_t n, std::size_t grain, body fn, void *arg)
{
    auto run = [=](const tbb::blocked_range<std::size_t> &range) {
        fn(arg, range.begin(), range.end());
    };
    if (grain == 0) {
        tbb::parallel_for(tbb::blocked_range<std::size_t>(0, n), run);
    } else {
        tbb::parallel_for(tbb::blocked_range<std::size_t>(0, n, grain), run,
                          tbb::simple_partitioner());
    }
}

extern "C" void parallel_jobs(std::size_t n, void (*fn)(void *arg), void *arg)
{
    tbb::task_group group;
    for (std::size_t i = 0; i < n; i++) {
        group.run([=] { fn(arg); });
    }
    group.wait();
}

extern "C" void parallel_threads(std::int64_t nthreads)
{
    static tbb::global_control control(tbb::global_control::max_allowed_parallelism,
                                       static_cast<std::size_t>(nthreads));
}
