// SPDX-License-Identifier: MIT
//
// A runtime's life: open, run, drive, change, close.
#include <pthread.h>
#include <stdio.h>

#include "spec.h"

static _Atomic int n_done;
static _Atomic int n_here;
static _Atomic bool may_stop;
static lg_chan *ch;

static void count(__attribute__((unused)) void *arg)
{
    n_done++;
}

static void count_and_yield(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_yield());
    n_done++;
}

static void yield_for_ever(__attribute__((unused)) void *arg)
{
    while (!may_stop) {
        CHECK_OK(lg_yield());
    }
    n_done++;
}

it("close of nothing", "does nothing")
{
    lg_close(NULL);
}

it("stop", "ends the threads and leaves the memory usable until the close")
{
    lg_runtime *host = NULL;
    lg_options options;
    lg_options_init(&options);
    options.procs = 3;
    CHECK_OK(lg_open(&options, &host));
    may_stop = false;
    n_done = 0;
    for (int i = 0; i < 5; i++) {
        CHECK_OK(lg_go(host, yield_for_ever, NULL, NULL, NULL));
    }
    char *memory = lg_alloc(host, LG_USE_STATES, NULL, 0, 100);
    CHECK(memory);
    lg_stop(host);
    memory[99] = 7;
    memory = lg_alloc(host, LG_USE_STATES, memory, 100, 100000);
    CHECK(memory && memory[99] == 7);
    CHECK(!lg_alloc(host, LG_USE_STATES, memory, 100000, 0));
    lg_stop(host); // again
    lg_close(host);
    CHECK_INT(n_done, 0);
}

static pthread_t driver;

// Computes, but not on the thread that drives: that one is kept busy until some
// other has taken the work.
static void compute(void *arg)
{
    if (pthread_self() == driver) {
        spec_go(arg, compute, arg);
        while (n_here == 0) {
        }
        return;
    }
    n_here++;
    while (!may_stop) {
    }
    n_done++;
}

static void settle_computing(void *arg)
{
    spec_go(arg, compute, arg);
    int64_t end_ns = spec_settle_end();
    while (n_here == 0) {
        CHECK(spec_host_now_ns() < end_ns);
        CHECK_OK(lg_sleep_until(lg_now(arg) + 100000));
    }
}

it("stop_until while a goroutine computes",
   "gives up at the moment, and may be tried again", .limit_s = 20)
{
    for (int procs = 2; procs <= 4; procs++) {
        lg_runtime *host = spec_open(procs);
        spec_leave(host);
        may_stop = false;
        n_here = n_done = 0;
        driver = pthread_self();
        spec_main(host, settle_computing, host);
        CHECK_CODE(lg_stop_until(host, 0), LG_ETIMEDOUT);
        int64_t deadline_ns = spec_host_now_ns() + 20000000;
        CHECK_CODE(lg_stop_until(host, deadline_ns), LG_ETIMEDOUT);
        CHECK(spec_host_now_ns() >= deadline_ns);
        CHECK_INT(n_done, 0);
        may_stop = true;
        CHECK_OK(lg_stop_until(host, spec_settle_end()));
        CHECK_INT(n_done, 1); // it has gone on to its end
        CHECK_OK(lg_stop_until(host, 0));
        spec_close(host);
    }
}

static int64_t young_clock(void *ud)
{
    return spec_host_now_ns() - *(int64_t *)ud;
}

it("stop_until", "goes by the system's clock, whatever the runtime's is", .limit_s = 20)
{
    lg_options options;
    lg_options_init(&options);
    options.procs = 2;
    options.clock = young_clock;
    int64_t began_ns = spec_host_now_ns();
    options.clock_ud = &began_ns;
    lg_runtime *host = spec_open_with(&options);
    spec_leave(host);
    driver = pthread_self();
    spec_main(host, settle_computing, host);
    CHECK_CODE(lg_stop_until(host, spec_host_now_ns() + 1000000), LG_ETIMEDOUT);
    may_stop = true;
    CHECK_OK(lg_stop_until(host, LG_NEVER));
    spec_close(host);
}

it("stop_until", "needs no time where nothing runs")
{
    for (int procs = 1; procs <= 4; procs += 3) {
        lg_runtime *host = spec_open(procs);
        CHECK_OK(lg_stop_until(host, procs == 1 ? 0 : spec_settle_end()));
        lg_stop(host);
        spec_close(host);
    }
}

it("stop from a goroutine", "is fatal", .dies = "lg_close()", .procs = 1)
{
    lg_stop(rt);
}

it("open and close, 1000 times", "leaves nothing", .limit_s = 30)
{
    int64_t before = 0;
    int rounds = spec_rounds(1000) < 100 ? 100 : spec_rounds(1000);
    for (int i = 0; i < rounds; i++) {
        if (i == rounds / 4) {
            before = spec_resident_bytes();
        }
        lg_runtime *rt_once = spec_open(1 + i % 4);
        if (i % 2) {
            spec_main(rt_once, count_and_yield, NULL);
        }
        spec_close(rt_once);
    }
    CHECK_INT(n_done, rounds / 2);
    if (spec_resident_is_ours()) {
        CHECK_BETWEEN(spec_resident_bytes() - before, INT64_MIN, 8 << 20);
    }
}

it("several runtimes in one process", "do not know one another")
{
    lg_runtime *runtimes[4];
    for (int i = 0; i < 4; i++) {
        runtimes[i] = spec_open(i + 1);
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4; i++) {
            CHECK_INT(lg_procs(runtimes[i]), i + 1);
            spec_main(runtimes[i], count_and_yield, NULL);
        }
    }
    CHECK_INT(n_done, 40);
}

static void nested(void *arg)
{
    CHECK(lg_current() != arg);
    n_done++;
}

it("current", "is the runtime inside, and none outside")
{
    lg_runtime *host = spec_open(2);
    CHECK(lg_current() == NULL);
    spec_main(host, nested, NULL);
    CHECK(lg_current() == NULL);
    CHECK_INT(n_done, 1);
}

static void leave_others(void *arg)
{
    for (int i = 0; i < 20; i++) {
        spec_go(arg, yield_for_ever, NULL);
    }
}

it("run", "returns when its goroutine does; the others stay or go on")
{
    lg_runtime *host = spec_open(2);
    spec_main(host, leave_others, host);
    CHECK_INT(lg_num_goroutine(host), 20);
    may_stop = true;
    while (lg_num_goroutine(host)) {
        spec_main(host, count_and_yield, NULL);
    }
}

it("close with goroutines left", "drops them where they stand")
{
    for (int procs = 1; procs <= 4; procs++) {
        lg_runtime *host = spec_open(procs);
        spec_leave(host);
        spec_main(host, leave_others, host);
        spec_close(host);
    }
}

it("drive", "lends the thread until one goroutine has ended")
{
    lg_runtime *host = spec_open(1);
    lg_ref first = spec_go(host, count, NULL);
    CHECK_OK(lg_drive(host, first));
    CHECK_INT(n_done, 1);
    CHECK_OK(lg_drive(host, first)); // has ended already
    lg_ref second = spec_go(host, count_and_yield, NULL);
    CHECK_OK(lg_drive(host, second));
    CHECK_INT(n_done, 2);
}

static void drive_inside(void *arg)
{
    lg_drive(arg, lg_self());
}

it("drive from a goroutine", "is fatal", .dies = "lg_drive()", .procs = 1)
{
    drive_inside(rt);
}

it("close from a goroutine", "is fatal", .dies = "lg_close()", .procs = 1)
{
    lg_close(rt);
}

static void *drive_too(void *arg)
{
    for (;;) { // the other may not have begun
        lg_run(arg, count, NULL);
    }
    return NULL;
}

static void count_and_wait(void *arg)
{
    count(arg);
    yield_for_ever(arg);
}

it("two threads that drive one runtime", "are fatal", .dies = "drive")
{
    lg_runtime *host = spec_open(2);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, drive_too, host), 0);
    lg_run(host, count_and_wait, NULL);
}

static void die_by_hook(__attribute__((unused)) void *ud, const char *message)
{
    fprintf(stderr, "by the hook: %s\n", message);
}

it("on_fatal", "has the last words", .dies = "by the hook: ")
{
    lg_options opts;
    lg_options_init(&opts);
    opts.on_fatal = die_by_hook;
    lg_release(spec_open_with(&opts));
}

it("set_procs out of range", "is refused", .procs = 2)
{
    CHECK_CODE(lg_set_procs(rt, 0), LG_EINVAL);
    CHECK_CODE(lg_set_procs(rt, -1), LG_EINVAL);
    CHECK_CODE(lg_set_procs(rt, LG_PROCS_MAX + 1), LG_EINVAL);
    CHECK_INT(lg_procs(rt), 2);
}

static void meet_three(__attribute__((unused)) void *arg)
{
    n_here++;
    while (n_here < 3) { // ends on 3 Ps only
    }
    n_done++;
}

it("set_procs", "adds Ps that work, and takes them away", .procs = 1)
{
    CHECK_OK(lg_set_procs(rt, 3));
    CHECK_INT(lg_procs(rt), 3);
    for (int i = 0; i < 2; i++) {
        spec_go(rt, meet_three, NULL);
    }
    meet_three(NULL);
    SETTLE(n_done == 3);
    CHECK_OK(lg_set_procs(rt, 1));
    CHECK_INT(lg_procs(rt), 1);
    CHECK_INT(spec_stats(rt).procs, 1);
    n_done = 0;
    for (int i = 0; i < 50; i++) {
        spec_go(rt, count, NULL);
    }
    CHECK_OK(lg_yield()); // one P: all of them before us
    SETTLE(n_done == 50);
}

static void pass(void *arg)
{
    int value = 0;
    while (lg_chan_recv(arg, &value, LG_NEVER) == LG_OK) {
        n_done++;
        if (n_done % 7 == 0) {
            CHECK_OK(lg_yield());
        }
    }
}

it("set_procs up and down under load", "loses nothing", .procs = 4, .limit_s = 20)
{
    struct spec_random random = spec_random_new(1);
    ch = spec_chan(rt, sizeof(int), 8);
    for (int i = 0; i < 50; i++) {
        spec_go(rt, pass, ch);
    }
    int rounds = spec_rounds(1000);
    for (int i = 0; i < rounds; i++) {
        CHECK_OK(lg_set_procs(rt, 1 + (int)spec_random_below(&random, 8)));
        for (int k = 0; k < 50; k++) {
            CHECK_OK(lg_chan_send(ch, &k, LG_NEVER));
        }
    }
    CHECK_OK(lg_chan_close(ch));
    SETTLE(lg_num_goroutine(rt) == 1);
    CHECK_INT(n_done, rounds * 50);
    lg_chan_free(ch);
}

static void *start_many(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(lg_go(arg, count, NULL, NULL, NULL));
    }
    return NULL;
}

static void settle_two_thousand(__attribute__((unused)) void *arg)
{
    SETTLE(n_done == 2000);
}

it("go from threads of the host while another drives", "starts them all")
{
    lg_runtime *host = spec_open(2);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, start_many, host), 0);
    }
    spec_main(host, settle_two_thousand, NULL);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    }
}

static void own(__attribute__((unused)) void *arg)
{
    lg_handle *handle;
    void **object = lg_new_bytes(lg_current(), sizeof(void *));
    CHECK(object);
    *object = malloc(100);
    CHECK_OK(lg_handle_new(lg_current(), object, &handle));
}

it("a runtime that is open at the exit", "keeps what its host has allocated")
{
    lg_runtime *host = spec_open(2);
    spec_chan(host, sizeof(int), 2);
    spec_main(host, own, NULL);
    exit(0); // where the sanitizer looks for what is lost
}

it("a channel with deadline 0", "serves the host's own thread")
{
    lg_runtime *host = spec_open(1);
    ch = spec_chan(host, sizeof(int), 2);
    int value = 4;
    CHECK_OK(lg_chan_send(ch, &value, 0));
    CHECK_OK(lg_chan_send(ch, &value, 0));
    CHECK_CODE(lg_chan_send(ch, &value, 0), LG_EAGAIN);
    lg_ref ref = spec_go(host, pass, ch);
    CHECK_CODE(lg_drive(host, ref), LG_EDEADLOCK);
    CHECK_INT(n_done, 2);
    CHECK_OK(lg_chan_send(ch, &value, 0)); // wakes it
    CHECK_CODE(lg_drive(host, ref), LG_EDEADLOCK);
    CHECK_INT(n_done, 3);
    CHECK_OK(lg_chan_close(ch));
    CHECK_OK(lg_drive(host, ref));
    lg_chan_free(ch);
}

it("alloc", "goes through the host's hook", .procs = 1)
{
    char *memory = lg_alloc(rt, LG_USE_OTHER, NULL, 0, 100);
    CHECK(memory);
    memset(memory, 7, 100);
    memory = lg_alloc(rt, LG_USE_OTHER, memory, 100, 10000);
    CHECK(memory && memory[99] == 7);
    CHECK(!lg_alloc(rt, LG_USE_OTHER, memory, 10000, 0));
    CHECK(!lg_alloc(rt, LG_USE_OTHER, NULL, 0, 0));
}
