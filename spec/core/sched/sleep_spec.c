// SPDX-License-Identifier: MIT
//
// Sleeping until a moment, on the system's clock and on one the host drives.
#include <pthread.h>

#include "spec.h"

static _Atomic int n_done;
static _Atomic int64_t clock_ns = 1000000;
static _Atomic int turn;
static int turns[64];

static int64_t clock_read(__attribute__((unused)) void *ud)
{
    return clock_ns;
}

static lg_runtime *open_with_clock(int procs)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = procs;
    opts.seed = 1;
    opts.clock = clock_read;
    return spec_open_with(&opts);
}

static void clock_set(lg_runtime *rt, int64_t now_ns)
{
    clock_ns = now_ns;
    lg_clock_moved(rt);
}

static void sleep_in_turn(void *arg)
{
    intptr_t number = (intptr_t)arg;
    int64_t until = 1000000 + (number * 37 % 64 + 1) * 1000;
    CHECK_OK(lg_sleep_until(until));
    CHECK(lg_now(lg_current()) >= until);
    turns[turn++] = (int)(number * 37 % 64);
    n_done++;
}

it("sleep", "lasts until its moment", .procs = 1)
{
    for (int i = 0; i < 5; i++) {
        int64_t until = spec_ms(rt, i);
        CHECK_OK(lg_sleep_until(until));
        CHECK(lg_now(rt) >= until);
    }
}

it("sleep until a moment that has passed", "returns at once", .procs = 1)
{
    CHECK_OK(lg_sleep_until(0));
    CHECK_OK(lg_sleep_until(1));
    CHECK_OK(lg_sleep_until(-1));
    CHECK_OK(lg_sleep_until(INT64_MIN));
    CHECK_OK(lg_sleep_until(lg_now(rt)));
}

static void sleep_for_ever(__attribute__((unused)) void *arg)
{
    CHECK_CODE(lg_sleep_until(LG_NEVER), LG_ECANCELED);
    n_done++;
}

it("sleep for ever", "ends by cancellation", .procs = 2)
{
    lg_ref ref = spec_go(rt, sleep_for_ever, NULL);
    SETTLE(spec_is_waiting(rt, ref));
    CHECK_INT(spec_waiting(rt, "sleep"), 1);
    CHECK_OK(lg_cancel(ref));
    SETTLE(n_done == 1);
}

static void step_and_wake(void *arg)
{
    lg_runtime *rt = arg;
    for (intptr_t i = 0; i < 64; i++) {
        spec_go(rt, sleep_in_turn, (void *)i);
    }
    SETTLE(spec_waiting(rt, "sleep") == 64);
    CHECK_INT(spec_stats(rt).timers, 64);
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(lg_yield()); // the clock stands
    }
    CHECK_INT(n_done, 0);
    for (int i = 1; i <= 10; i++) {
        clock_set(rt, 1000000 + 1000 * i);
        SETTLE(n_done == i);
    }
    CHECK_INT(spec_waiting(rt, "sleep"), 54);
    for (int i = 11; i <= 64; i++) {
        clock_set(rt, 1000000 + 1000 * i - 1);
        SETTLE(n_done == i - 1);
        clock_set(rt, 1000000 + 1000 * i);
        SETTLE(n_done == i);
    }
    for (int i = 0; i < 64; i++) {
        CHECK_INT(turns[i], i);
    }
}

it("sleep on a clock that the host drives", "wakes in the order of moments, when told")
{
    lg_runtime *rt_driven = open_with_clock(1);
    spec_main(rt_driven, step_and_wake, rt_driven);
}

static void *host_steps(void *arg)
{
    SETTLE(spec_waiting(arg, "sleep") == 1);
    for (int i = 0; i < 10; i++) {
        clock_set(arg, clock_ns + 1000000000);
    }
    return NULL;
}

static void sleep_ten_seconds(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_sleep_until(clock_ns + INT64_C(10000000000)));
}

it("sleep while the host steps the clock from a thread of its own", "ends with it")
{
    lg_runtime *rt_driven = open_with_clock(2);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, host_steps, rt_driven), 0);
    spec_main(rt_driven, sleep_ten_seconds, NULL);
    CHECK_INT(pthread_join(thread, NULL), 0);
}

static void sleep_a_little(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)arg);
    int64_t until = lg_now(lg_current()) + spec_random_below(&random, 20000000);
    CHECK_OK(lg_sleep_until(until));
    CHECK(lg_now(lg_current()) >= until);
    n_done++;
}

it("10,000 sleepers on 4 Ps", "all wake, none too early", .procs = 4, .limit_s = 20)
{
    int n = spec_has_tsan() ? 3000 : 10000;
    for (intptr_t i = 0; i < n; i++) {
        spec_go(rt, sleep_a_little, (void *)i);
    }
    SETTLE(n_done == n);
    CHECK_INT(spec_stats(rt).timers, 0);
}

static lg_chan *ch;

static void wait_with_deadline(__attribute__((unused)) void *arg)
{
    CHECK_CODE(lg_chan_recv(ch, NULL, lg_now(lg_current()) + 60000000000), LG_ECLOSED);
    n_done++;
}

it("a deadline that did not come", "leaves no timer behind", .procs = 2)
{
    ch = spec_chan(rt, 0, 0);
    for (int i = 0; i < 100; i++) {
        spec_go(rt, wait_with_deadline, NULL);
    }
    SETTLE(spec_waiting(rt, NULL) == 100);
    CHECK_OK(lg_chan_close(ch));
    SETTLE(n_done == 100);
    SETTLE(spec_stats(rt).timers == 0);
    lg_chan_free(ch);
}
