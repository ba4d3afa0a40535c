// SPDX-License-Identifier: MIT
//
// Frames: who waits for the next one, on which clock it counts. The clock is driven.
#include "spec.h"

static _Atomic int64_t host_ns = 1000;
static _Atomic int n_done;
static _Atomic int n_left;
static _Atomic int64_t sum_ns;
static int nframes[100];

static int64_t read_host(__attribute__((unused)) void *ud)
{
    return host_ns;
}

static void driven(int procs, void (*fn)(void *arg))
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = procs;
    opts.seed = 1;
    opts.clock = read_host;
    lg_runtime *rt = spec_open_with(&opts);
    spec_main(rt, fn, rt);
}

static void begin_after(lg_runtime *rt, int64_t ns)
{
    host_ns += ns;
    lg_clock_moved(rt);
    lg_frame_begin(rt);
}

static void go_three_frames(void *arg)
{
    for (int i = 0; i < 3; i++) {
        CHECK_OK(lg_next_frame(NULL, LG_NEVER));
        nframes[(intptr_t)arg]++;
        n_done++;
    }
    n_left--;
}

it("frame.begin", "wakes each that waits, once", .procs = 1)
{
    lg_frame_begin(rt);
    n_left = 100;
    for (intptr_t i = 0; i < 100; i++) {
        spec_go(rt, go_three_frames, (void *)i);
        SETTLE(spec_waiting(rt, "frame wait") == (size_t)i + 1);
    }
    for (int frame = 1; frame <= 3; frame++) {
        lg_frame_begin(rt);
        SETTLE(n_done == frame * 100);
        SETTLE(frame == 3 || spec_waiting(rt, "frame wait") == 100);
    }
    SETTLE(n_left == 0);
    for (int i = 0; i < 100; i++) {
        CHECK_INT(nframes[i], 3);
    }
}

static void tell_frames(void *arg)
{
    lg_frame frame;
    lg_clock_use(arg);
    CHECK_OK(lg_next_frame(&frame, LG_NEVER));
    CHECK_INT(frame.number, 2);
    CHECK_INT(frame.dt_ns, arg ? 20 : 10);
    CHECK_OK(lg_next_frame(&frame, LG_NEVER));
    CHECK_INT(frame.number, 3);
    CHECK_INT(frame.dt_ns, arg ? 0 : 16);
    n_done++;
}

static void frames_by_clock(void *arg)
{
    lg_runtime *rt = arg;
    lg_clock *world;
    CHECK_OK(lg_clock_new(lg_clock_of(rt), &world));
    CHECK_OK(lg_clock_set_scale(world, 2));
    lg_frame_begin(rt);
    spec_go(rt, tell_frames, NULL);
    spec_go(rt, tell_frames, world);
    SETTLE(spec_waiting(rt, "frame wait") == 2);
    begin_after(rt, 10);
    SETTLE(spec_waiting(rt, "frame wait") == 2);
    lg_clock_pause(world);
    begin_after(rt, 16);
    SETTLE(n_done == 2);
    lg_clock_release(world);
}

it("a frame", "tells its number, and the time on the clock of who waits")
{
    driven(1, frames_by_clock);
}

static void sum_frames(__attribute__((unused)) void *arg)
{
    lg_frame frame = {0};
    while (frame.number < 100) {
        CHECK_OK(lg_next_frame(&frame, LG_NEVER));
        sum_ns += frame.dt_ns;
        if (frame.number % 7 == 0) {
            CHECK_OK(lg_yield());
        }
    }
    n_done++;
}

static void hurry(void *arg)
{
    lg_runtime *rt = arg;
    begin_after(rt, 0);
    spec_go(rt, sum_frames, NULL);
    SETTLE(spec_waiting(rt, "frame wait") == 1);
    struct spec_random random = spec_random_new(1);
    for (int i = 1; n_done == 0; i++) {
        begin_after(rt, i < 120 ? 1 + spec_random_below(&random, 10) : 0);
        if (spec_random_below(&random, 3) == 0) {
            lg_yield(); // else it is late by a frame
        }
    }
    CHECK(sum_ns > 0);
    CHECK(sum_ns <= host_ns - 1000);
}

it("who is late for frames", "is told the time of those that it has missed")
{
    driven(1, hurry);
}

static void wait_for_none(void *arg)
{
    CHECK_CODE(lg_next_frame(NULL, 0), LG_EAGAIN);
    lg_frame frame = {7, 8};
    CHECK_CODE(lg_next_frame(&frame, 1), LG_ETIMEDOUT);
    CHECK_INT(frame.number, 7);
    lg_frame_begin(arg);
    CHECK_CODE(lg_next_frame(&frame, 1), LG_ETIMEDOUT);
}

it("a frame that does not come in time", "is not waited for any more")
{
    driven(1, wait_for_none);
}

static void pace(void *arg)
{
    lg_runtime *rt = arg;
    n_left = 1;
    spec_go(rt, go_three_frames, NULL);
    SETTLE(n_done == 1); // the first comes at once
    host_ns += LG_FRAME_NS - 1;
    lg_clock_moved(rt);
    for (int i = 0; i < 100; i++) {
        CHECK_OK(lg_yield());
    }
    CHECK_INT(n_done, 1);
    host_ns += 1;
    lg_clock_moved(rt);
    SETTLE(n_done == 2);
    lg_frame_begin(rt); // from now on they are ours
    SETTLE(n_done == 3);
    n_left = 1;
    spec_go(rt, go_three_frames, NULL);
    SETTLE(spec_waiting(rt, "frame wait") == 1);
    host_ns += 1000000000;
    lg_clock_moved(rt);
    for (int i = 0; i < 100; i++) {
        CHECK_OK(lg_yield());
    }
    CHECK_INT(n_done, 3);
    for (int i = 0; i < 3; i++) {
        SETTLE(spec_waiting(rt, "frame wait") == 1);
        lg_frame_begin(rt);
    }
    SETTLE(n_left == 0);
}

it("frames that nobody begins",
   "come 60 times a second of the clock, until somebody does")
{
    driven(1, pace);
}

it("lg_update", "begins a frame each time")
{
    lg_runtime *host = spec_open(1);
    lg_update_report report = {.size_bytes = sizeof report};
    n_left = 1;
    spec_go(host, go_three_frames, NULL);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(n_left, 1);
        CHECK_OK(lg_update(host, -1, &report));
        CHECK_INT(nframes[0], i);
        CHECK_INT(report.next_ns == LG_NEVER, i == 3); // else somebody waits for it
    }
    CHECK_INT(n_left, 0);
}

static void sleep_ten_seconds(void *arg)
{
    CHECK_OK(lg_sleep_until(lg_now(arg) + INT64_C(10000000000)));
    n_done++;
}

it("lg_update of a runtime whose clock is slow, or stands", "tells when it will be due")
{
    lg_runtime *host = spec_open(1);
    lg_clock *clock = lg_clock_of(host);
    lg_update_report report = {.size_bytes = sizeof report};
    spec_go(host, sleep_ten_seconds, host);
    CHECK_OK(lg_clock_set_scale(clock, 0.01));
    CHECK_OK(lg_update(host, -1, &report));
    CHECK(report.next_ns > spec_host_now_ns() + INT64_C(500000000000));
    CHECK(report.next_ns != LG_NEVER);
    lg_clock_pause(clock);
    CHECK_OK(lg_update(host, -1, &report));
    CHECK_INT(report.next_ns, LG_NEVER);
    CHECK_OK(lg_clock_step(clock, INT64_C(10000000000)));
    CHECK_OK(lg_update(host, -1, &report));
    CHECK_INT(n_done, 1);
    CHECK_OK(lg_clock_resume(clock));
}

static void wait_canceled(__attribute__((unused)) void *arg)
{
    CHECK_CODE(lg_next_frame(NULL, LG_NEVER), LG_ECANCELED);
    n_done++;
}

it("who is canceled while it waits for a frame", "stands in no queue any more",
   .procs = 2)
{
    lg_frame_begin(rt);
    lg_ref ref = spec_go(rt, wait_canceled, NULL);
    SETTLE(spec_waiting(rt, "frame wait") == 1);
    CHECK_OK(lg_cancel(ref));
    SETTLE(n_done == 1);
    lg_frame_begin(rt);
}

static void count_frames(void *arg)
{
    lg_frame frame = {0};
    uint64_t last = 0;
    for (int i = 0; i < spec_rounds(100); i++) {
        bool is_short = i % 5 == 4;
        int64_t until_ns = is_short ? lg_now(lg_current()) + 1000 : LG_NEVER;
        int err = lg_next_frame(&frame, until_ns);
        CHECK(err == LG_OK || (is_short && err == LG_ETIMEDOUT));
        if (err == LG_OK) {
            CHECK(frame.number > last);
            CHECK(frame.dt_ns >= 0);
            last = frame.number;
        }
    }
    (void)arg;
    n_left--;
}

it("many that wait for frames on 4 Ps", "get each frame once", .procs = 4, .limit_s = 20)
{
    lg_frame_begin(rt);
    n_left = 16;
    for (int i = 0; i < 16; i++) {
        spec_go(rt, count_frames, NULL);
    }
    while (n_left > 0) {
        lg_frame_begin(rt);
        lg_yield();
    }
}
