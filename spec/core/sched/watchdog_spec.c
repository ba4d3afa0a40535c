// SPDX-License-Identifier: MIT
//
// The watchdog and schedtrace: what they tell on_log.
#include <pthread.h>
#include <stdio.h>

#include "load.h"

static lg_runtime *host;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char log_text[64 * 1024];
static _Atomic bool must_end;
static _Atomic int n_done;

static void take_line(__attribute__((unused)) void *ud, const char *line)
{
    pthread_mutex_lock(&lock);
    size_t length = strlen(log_text);
    if (length > sizeof log_text / 2) {
        length = 0; // what follows is waited for, or it is no long one
    }
    snprintf(log_text + length, sizeof log_text - length, "%s\n", line);
    pthread_mutex_unlock(&lock);
}

static int count(const char *part)
{
    int n = 0;
    pthread_mutex_lock(&lock);
    for (const char *at = log_text; (at = strstr(at, part)); at++) {
        n++;
    }
    pthread_mutex_unlock(&lock);
    return n;
}

static void forget_log(void)
{
    pthread_mutex_lock(&lock);
    log_text[0] = '\0';
    pthread_mutex_unlock(&lock);
}

static void open_with(int procs, bool has_signals, int64_t watchdog_ns, int trace_ms)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = procs;
    opts.signals = has_signals;
    opts.watchdog_ns = watchdog_ns;
    opts.schedtrace_ms = trace_ms;
    opts.scheddetail = true;
    opts.on_log = take_line;
    host = spec_open_with(&opts);
}

static void compute(__attribute__((unused)) void *arg)
{
    lg_set_name("hog");
    while (!atomic_load_explicit(&must_end, memory_order_relaxed)) {
    }
    n_done++;
}

static void await_report(__attribute__((unused)) void *arg)
{
    lg_ref hog = spec_go(host, compute, NULL);
    char who[64];
    snprintf(who, sizeof who, "goroutine %" PRIu64 " [hog], created by goroutine 1, has",
             hog.id);
    SETTLE(count(who) == 1);
    for (int i = 0; i < 100; i++) {
        CHECK_OK(lg_yield());
    }
    atomic_store(&must_end, true);
    SETTLE(n_done == 1);
    CHECK_INT(count(who), 1); // once
}

it("the watchdog", "names who holds its P, without signals")
{
    open_with(2, false, 20000000, 0);
    spec_main(host, await_report, NULL);
}

// A thread that has just lost its CPU to another process does not tell in time.
static void await_stack(void *arg)
{
    for (int i = 0; i < 50 && count("(core_spec)") == 0; i++) {
        atomic_store(&must_end, false);
        n_done = 0;
        await_report(arg);
    }
    CHECK(count("(core_spec)") > 0);
}

it("the watchdog", "tells with signals where that is")
{
    if (load_has_signals()) {
        open_with(1, true, 20000000, 0);
        spec_main(host, await_stack, NULL);
    }
}

static void hold_and_be_told(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_watchdog(host, 1000000));
    CHECK_INT(lg_watchdog_get(host), 1000000);
    while (!lg_watchdog_take()) {
    }
    CHECK(count("has held its P for") > 0);
    CHECK_OK(lg_watchdog(host, LG_NEVER));
    CHECK_INT(lg_watchdog_get(host), 0);
}

it("the watchdog", "can be asked by who was told of, and is off at first")
{
    open_with(1, false, 0, 0);
    spec_main(host, hold_and_be_told, NULL);
}

static void hold_aside(__attribute__((unused)) void *arg)
{
    lg_stand_aside();
    CHECK_OK(lg_watchdog(host, 1000000)); // after: it may lose its CPU in between
    int64_t until_ns = lg_now(host) + 50000000;
    while (lg_now(host) < until_ns) {
    }
    CHECK_OK(lg_watchdog(host, 0));
}

it("the watchdog", "does not tell of who has stood aside")
{
    open_with(2, false, 0, 0);
    spec_main(host, hold_aside, NULL);
    CHECK_INT(count("[main]"), 0); // another thread may have lost its CPU with a P
}

it("the watchdog", "refuses a negative time", .procs = 1)
{
    CHECK_CODE(lg_watchdog(rt, -1), LG_EINVAL);
    CHECK(!lg_watchdog_take());
}

static void await_traces(void *arg)
{
    for (const char *const *part = arg; *part; part++) {
        SETTLE(count(*part) >= 3);
    }
}

it("schedtrace", "tells what the Ps do, and who runs there")
{
    static const char *const parts[] = {"SCHED ",        "ms: gomaxprocs=2 idleprocs=",
                                        " runqueue=0 [", "  P0: status=",
                                        "  P1: status=", "  M0: p=",
                                        "  G1: status=", NULL};
    open_with(2, false, 0, 1);
    spec_main(host, await_traces, (void *)(uintptr_t)parts);
}

static void sleep_wired(void *arg)
{
    lg_lock_thread();
    lg_chan_recv(arg, NULL, LG_NEVER);
}

static void await_wired(__attribute__((unused)) void *arg)
{
    lg_chan *ch = spec_chan(host, 0, 0);
    lg_ref ref = spec_go(host, sleep_wired, ch);
    char line[80];
    snprintf(line, sizeof line, "  G%llu: status=4(chan receive) m=nil lockedm=",
             (unsigned long long)ref.id);
    SETTLE(spec_is_waiting(host, ref));
    forget_log();
    SETTLE(count(line) > 0);
    snprintf(line, sizeof line, "lockedg=%llu", (unsigned long long)ref.id);
    forget_log();
    SETTLE(count(line) > 0);
    CHECK_OK(lg_chan_close(ch));
    SETTLE(lg_num_goroutine(host) == 1);
    lg_chan_free(ch);
}

it("schedtrace", "tells which thread is for which goroutine")
{
    open_with(2, false, 0, 1);
    spec_main(host, await_wired, NULL);
}

it("schedtrace", "does so with one P and no signals")
{
    static const char *const parts[] = {"ms: gomaxprocs=1 idleprocs=", NULL};
    open_with(1, false, 0, 1);
    spec_main(host, await_traces, (void *)(uintptr_t)parts);
}
