// SPDX-License-Identifier: MIT
//
// What does a frame's lg_update() cost: of nothing, beside `size` goroutines that sleep, and
// for one step of each of a thousand? And how many frames keep a budget of 1 ms?
#include "meter.h"

enum { RUNNABLE = 1000, FRAMES = 2000, BUDGET_NS = 1000 * 1000 };

static bool must_end;

static void yielder(void *arg)
{
    (void)arg;
    while (!must_end) {
        lg_yield();
    }
}

static void sleeper(void *arg)
{
    (void)arg;
    while (!must_end) {
        lg_sleep_until(lg_now(meter_rt) + INT64_C(3600000000000));
    }
}

static void start(void (*fn)(void *arg), int64_t n)
{
    lg_go_options options = {.pinned = true};
    for (int64_t i = 0; i < n; i++) {
        meter_ok(lg_go(meter_rt, fn, NULL, &options, NULL));
    }
}

static void empty(int64_t ops, int64_t size)
{
    (void)size;
    lg_update_report report = {.size_bytes = sizeof report};
    for (int64_t i = 0; i < ops; i++) {
        meter_ok(lg_update(meter_rt, BUDGET_NS, &report));
    }
}

// So long that about every goroutine gets one step.
static void steps(int64_t ops, int64_t size)
{
    (void)size;
    lg_update_report report = {.size_bytes = sizeof report};
    for (int64_t done = 0; done < ops; done += (int64_t)report.steps) {
        meter_ok(lg_update(meter_rt, 100 * 1000, &report));
    }
}

// Frames that took over a tenth more than the budget, in per cent: a step is short here,
// so that is the machine's doing, or ours.
static void keep(void)
{
    int64_t late = 0;
    lg_update_report report = {.size_bytes = sizeof report};
    for (int i = 0; i < FRAMES; i++) {
        meter_ok(lg_update(meter_rt, BUDGET_NS, &report));
        late += report.spent_ns > BUDGET_NS + BUDGET_NS / 10;
    }
    meter_tell("update.late", (double)late * 100 / FRAMES);
}

int main(int argc, char **argv)
{
    int64_t size = meter_size(argc, argv, 10000);
    lg_options options;
    char why[256] = "";
    lg_options_init(&options);
    meter_check(lg_options_env(&options, why, sizeof why) == LG_OK, why);
    meter_ok(lg_open(&options, &meter_rt));
    meter_run("update.empty", 1000000, 1, empty, 0);
    start(sleeper, size);
    meter_ok(lg_update(meter_rt, -1, NULL));
    meter_run("update.asleep", 1000000, 1, empty, 0);
    start(yielder, RUNNABLE);
    meter_run("update.step", 1000000, 1, steps, 0);
    keep();
    lg_close(meter_rt);
    return 0;
}
