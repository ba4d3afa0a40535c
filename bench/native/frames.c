// SPDX-License-Identifier: MIT
//
// A host's loop at 60 Hz with `size` goroutines of which each wakes now and then, beside
// goroutines that compute and make garbage on all other Ps. How many frames need over a
// tenth more than their budget, in per cent, and how many begin over a millisecond late
// because of the update before? How often is the world stopped, how often for over half a
// millisecond (0.52), and how long at most, in microseconds?
#include "meter.h"

#include <time.h>

enum {
    FRAMES = 600,
    FRAME_NS = 1000 * 1000 * 1000 / 60,
    BUDGET_NS = 2 * 1000 * 1000,
    LATE_NS = 1000 * 1000,
    GC_EVERY = 30,
    LONG_BUCKET = 10, // of pauses, from 2^19 ns on
};

static const int64_t SECOND_NS = 1000 * 1000 * 1000;
static _Atomic bool must_end;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void sleep_until(int64_t when_ns)
{
    struct timespec when = {.tv_sec = when_ns / SECOND_NS,
                            .tv_nsec = when_ns % SECOND_NS};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) != 0) {
    }
}

// Each with a period of its own, from 0.1 to about 2 seconds.
static void entity(void *arg)
{
    int64_t period_ns = (int64_t)(intptr_t)arg % 1900 * 1000 * 1000 + SECOND_NS / 10;
    while (!must_end) {
        lg_sleep_until(lg_now(meter_rt) + period_ns);
    }
}

static void worker(void *arg)
{
    (void)arg;
    void *volatile kept = NULL;
    while (!must_end) {
        for (int i = 0; i < 1000; i++) {
            kept = lg_new_bytes(meter_rt, 64);
        }
        lg_checkpoint();
    }
    (void)kept;
}

static void collect(void *arg)
{
    (void)arg;
    meter_ok(lg_gc(meter_rt));
}

static void loop(void)
{
    int64_t over = 0;
    int64_t late = 0;
    lg_update_report report = {.size_bytes = sizeof report};
    int64_t due_ns = now_ns();
    for (int i = 0; i < FRAMES; i++) {
        if (i % GC_EVERY == 0) {
            meter_go(collect, NULL);
        }
        meter_ok(lg_update(meter_rt, BUDGET_NS, &report));
        over += report.spent_ns > BUDGET_NS + BUDGET_NS / 10;
        due_ns += FRAME_NS;
        late += now_ns() > due_ns + LATE_NS;
        sleep_until(due_ns);
    }
    meter_tell("frames.over", (double)over * 100 / FRAMES);
    meter_tell("frames.late", (double)late * 100 / FRAMES);
}

static void tell_stops(void)
{
    lg_gc_stats stats = {.size_bytes = sizeof stats};
    lg_get_gc_stats(meter_rt, &stats);
    uint64_t nlong = 0;
    uint64_t n = 0;
    for (int i = 0; i < LG_GC_PAUSE_BUCKETS; i++) {
        n += stats.pauses[i];
        nlong += i >= LONG_BUCKET ? stats.pauses[i] : 0;
    }
    meter_tell("frames.stops", (double)n);
    meter_tell("frames.long", (double)nlong);
    meter_tell("frames.longest", (double)stats.pause_max_ns / 1000);
}

int main(int argc, char **argv)
{
    int64_t size = meter_size(argc, argv, 10000);
    lg_options options;
    char why[256] = "";
    lg_options_init(&options);
    meter_check(lg_options_env(&options, why, sizeof why) == LG_OK, why);
    meter_ok(lg_open(&options, &meter_rt));
    lg_go_options pinned = {.pinned = true};
    for (int64_t i = 0; i < size; i++) {
        meter_ok(lg_go(meter_rt, entity, (void *)(intptr_t)i, &pinned, NULL));
    }
    for (int i = 1; i < lg_procs(meter_rt); i++) {
        meter_go(worker, NULL);
    }
    loop();
    tell_stops();
    must_end = true;
    lg_close(meter_rt);
    return 0;
}
