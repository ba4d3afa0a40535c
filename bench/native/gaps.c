// SPDX-License-Identifier: MIT
//
// How often does the machine itself take a CPU away? `size` threads do nothing but read the
// clock for ten seconds: gaps of over half a millisecond, per thread and second, and the
// longest, in microseconds. A stop of the world cannot be shorter than such a gap that falls
// into it.
#include <pthread.h>
#include <time.h>

#include "meter.h"

enum { SECONDS = 10, THREADS_MAX = 64, GAP_NS = 500 * 1000 };

struct watch {
    pthread_t thread;
    int64_t ngaps;
    int64_t longest_ns;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *watch(void *arg)
{
    struct watch *w = arg;
    int64_t last_ns = now_ns();
    int64_t end_ns = last_ns + (int64_t)SECONDS * 1000000000;
    while (last_ns < end_ns) {
        int64_t at_ns = now_ns();
        int64_t gap_ns = at_ns - last_ns;
        w->ngaps += gap_ns > GAP_NS;
        w->longest_ns = gap_ns > w->longest_ns ? gap_ns : w->longest_ns;
        last_ns = at_ns;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static struct watch watches[THREADS_MAX];
    int64_t n = meter_size(argc, argv, 2);
    meter_check(n >= 1 && n <= THREADS_MAX, "from 1 to 64 threads");
    for (int64_t i = 0; i < n; i++) {
        int err = pthread_create(&watches[i].thread, NULL, watch, &watches[i]);
        meter_check(err == 0, "cannot start a thread");
    }
    int64_t ngaps = 0;
    int64_t longest_ns = 0;
    for (int64_t i = 0; i < n; i++) {
        pthread_join(watches[i].thread, NULL);
        ngaps += watches[i].ngaps;
        longest_ns =
            watches[i].longest_ns > longest_ns ? watches[i].longest_ns : longest_ns;
    }
    meter_tell("gaps.long", (double)ngaps / (double)n / SECONDS);
    meter_tell("gaps.longest", (double)longest_ns / 1000);
    return 0;
}
