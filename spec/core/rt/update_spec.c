// SPDX-License-Identifier: MIT
//
// lg_update(): goroutines on the host's thread, a frame at a time.
#include <pthread.h>

#include "script.h"

enum { MANY = 20 };

static lg_runtime *host;
static lg_chan *ch;
static pthread_t thread;
static _Atomic int n_done;
static _Atomic int n_wakes;
static _Atomic bool may_end;
static _Atomic bool is_elsewhere;

static void on_wake(void *ud)
{
    atomic_fetch_add((_Atomic int *)ud, 1);
}

static lg_runtime *open_host(int procs)
{
    lg_options options;
    lg_options_init(&options);
    options.procs = procs;
    options.on_wake = on_wake;
    options.ud = &n_wakes;
    n_done = n_wakes = 0;
    may_end = is_elsewhere = false;
    thread = pthread_self();
    host = spec_open_with(&options);
    return host;
}

static lg_update_report update(int64_t budget_ns)
{
    lg_update_report report = {.size_bytes = sizeof report};
    CHECK_OK(lg_update(host, budget_ns, &report));
    return report;
}

static void pinned_go(void (*fn)(void *arg), void *arg)
{
    lg_go_options options = {.pinned = true};
    CHECK_OK(lg_go(host, fn, arg, &options, NULL));
}

// Updates as a host does that sleeps between them: when it is told, or when it was told
// to come by itself.
static void update_until(_Atomic int *count, int want)
{
    int64_t end_ns = spec_settle_end();
    while (*count < want) {
        n_wakes = 0;
        lg_update_report report = update(1000 * 1000);
        while (*count < want && n_wakes == 0 && report.ready == 0 &&
               spec_host_now_ns() < report.next_ns) {
            spec_settle(end_ns, "the host is told", SPEC_HERE);
        }
    }
}

static void note_thread(void)
{
    if (!pthread_equal(pthread_self(), thread)) {
        is_elsewhere = true;
    }
}

static void yield_some(void *arg)
{
    for (int i = 0; i < (int)(intptr_t)arg; i++) {
        note_thread();
        CHECK_OK(lg_yield());
    }
    note_thread();
    n_done++;
}

static void yield_for_ever(__attribute__((unused)) void *arg)
{
    while (!may_end) {
        CHECK_OK(lg_yield());
    }
    n_done++;
}

it("update of nothing", "says that only a wake-up is worth a call")
{
    for (int procs = 1; procs <= 2; procs++) {
        open_host(procs);
        lg_update_report report = update(-1);
        CHECK_INT(report.steps, 0);
        CHECK_INT(report.ready, 0);
        CHECK_INT(report.longest.id, 0);
        CHECK_INT(report.over_ns, 0);
        CHECK(report.next_ns == LG_NEVER);
        CHECK_OK(lg_update(host, 0, NULL));
        CHECK_INT(n_wakes, 0);
        spec_close(host);
    }
}

it("update", "refuses a report of a size that it does not know")
{
    open_host(1);
    lg_update_report report = {.size_bytes = sizeof report + 1};
    CHECK_CODE(lg_update(host, 0, &report), LG_EINVAL);
    report.size_bytes = 0;
    CHECK_CODE(lg_update(host, 0, &report), LG_EINVAL);
    report.size_bytes = sizeof report.size_bytes + sizeof report.steps;
    report.ready = 77;
    CHECK_OK(lg_update(host, 0, &report));
    CHECK_INT(report.ready, 77); // an older host's record is shorter
}

it("update", "runs pinned goroutines to their end on the calling thread")
{
    for (int procs = 1; procs <= 4; procs++) {
        open_host(procs);
        for (int i = 0; i < MANY; i++) {
            pinned_go(yield_some, (void *)(intptr_t)i);
        }
        lg_update_report report = update(-1);
        CHECK_INT(n_done, MANY);
        CHECK(!is_elsewhere);
        CHECK(report.steps >= MANY);
        CHECK_INT(report.ready, 0);
        CHECK(report.next_ns == LG_NEVER);
        CHECK(report.spent_ns >= report.longest_ns && report.longest_ns > 0);
        CHECK_INT(lg_procs(host), procs);
        spec_close(host);
    }
}

it("update with one of procs", "runs everything")
{
    open_host(1);
    for (int i = 0; i < MANY; i++) {
        CHECK_OK(lg_go(host, yield_some, (void *)(intptr_t)i, NULL, NULL));
        pinned_go(yield_some, (void *)(intptr_t)i);
    }
    update(-1);
    CHECK_INT(n_done, 2 * MANY);
    CHECK(!is_elsewhere);
}

it("update with more of procs", "leaves to other threads what is not pinned")
{
    open_host(2);
    update(0);
    CHECK_OK(lg_go(host, yield_some, (void *)(intptr_t)5, NULL, NULL));
    for (int64_t end_ns = spec_settle_end(); n_done == 0;) {
        spec_settle(end_ns, "it has run", SPEC_HERE);
    }
    CHECK(is_elsewhere);
}

it("update", "stops after the first step if the budget is 0, and goes on behind it")
{
    for (int procs = 1; procs <= 2; procs++) {
        open_host(procs);
        pinned_go(yield_for_ever, NULL);
        pinned_go(yield_some, (void *)(intptr_t)0);
        CHECK_INT(n_wakes, 1);
        lg_update_report report = update(0);
        CHECK_INT(report.steps, 1);
        CHECK_INT(report.ready, 2);
        CHECK(report.next_ns <= spec_host_now_ns());
        CHECK(report.longest.id != 0);
        CHECK_INT(n_done, 0);
        report = update(0);
        CHECK_INT(report.steps, 1);
        CHECK_INT(n_done, 1);
        CHECK_INT(report.ready, 1);
        CHECK_INT(n_wakes, 1);
        may_end = true;
        update(-1);
        CHECK_INT(n_done, 2);
        spec_close(host);
    }
}

static void compute_ms(void *arg)
{
    int64_t end_ns = spec_host_now_ns() + (int64_t)(intptr_t)arg * 1000 * 1000;
    while (spec_host_now_ns() < end_ns) {
    }
    n_done++;
}

it("update", "tells whose step was the longest and by how much that passed the budget")
{
    open_host(2);
    lg_go_options options = {.pinned = true};
    lg_ref ref;
    CHECK_OK(lg_go(host, compute_ms, (void *)(intptr_t)3, &options, &ref));
    pinned_go(yield_some, (void *)(intptr_t)3);
    lg_update_report report = update(1000 * 1000);
    CHECK_INT(report.steps, 1);
    CHECK_INT(report.ready, 1);
    CHECK_INT(report.longest.id, ref.id);
    CHECK(report.longest_ns >= 3 * 1000 * 1000);
    CHECK(report.over_ns >= 2 * 1000 * 1000 && report.over_ns < report.spent_ns);
    update(-1);
}

it("update", "ends although a goroutine does nothing but yield")
{
    open_host(2);
    pinned_go(yield_for_ever, NULL);
    lg_update_report report = update(200 * 1000);
    CHECK(report.steps >= 1);
    CHECK_INT(report.ready, 1);
    CHECK(report.spent_ns >= 200 * 1000);
    may_end = true;
    update(-1);
    CHECK_INT(n_done, 1);
}

static void sleep_some(void *arg)
{
    CHECK_OK(lg_sleep_until(lg_now(host) + (int64_t)(intptr_t)arg));
    note_thread();
    n_done++;
}

it("update", "says when it must be called for a timer")
{
    for (int procs = 1; procs <= 2; procs++) {
        open_host(procs);
        int64_t now_ns = spec_host_now_ns();
        pinned_go(sleep_some, (void *)(intptr_t)(2 * 1000 * 1000));
        lg_update_report report = update(-1);
        CHECK_INT(report.ready, 0);
        CHECK_BETWEEN(report.next_ns, now_ns + 2 * 1000 * 1000,
                      spec_host_now_ns() + 2 * 1000 * 1000);
        update_until(&n_done, 1);
        CHECK(!is_elsewhere);
        spec_close(host);
    }
}

static void receive(__attribute__((unused)) void *arg)
{
    uint64_t v;
    CHECK_OK(lg_chan_recv(ch, &v, LG_NEVER));
    note_thread();
    n_done++;
}

static void send(__attribute__((unused)) void *arg)
{
    uint64_t v = 1;
    CHECK_OK(lg_chan_send(ch, &v, LG_NEVER));
}

it("on_wake", "comes once from one update to the next, when another thread has something")
{
    open_host(2);
    ch = spec_chan(host, 8, 0);
    for (int i = 0; i < MANY; i++) {
        pinned_go(receive, NULL);
    }
    n_wakes = 0;
    CHECK_INT(update(-1).ready, 0);
    for (int i = 0; i < MANY; i++) {
        spec_go(host, send, NULL);
    }
    for (int64_t end_ns = spec_settle_end();
         n_wakes == 0 || lg_num_goroutine(host) > MANY;) {
        spec_settle(end_ns, "all have sent", SPEC_HERE);
    }
    CHECK_INT(n_wakes, 1);
    CHECK_INT(n_done, 0);
    update(-1);
    CHECK_INT(n_done, MANY);
    CHECK_INT(n_wakes, 1);
    CHECK(!is_elsewhere);
    lg_chan_free(ch);
}

static lg_ticket ticket;

static void park(__attribute__((unused)) void *arg)
{
    ticket = lg_park_arm();
    CHECK_OK(lg_park("the host", LG_NEVER));
    note_thread();
    n_done++;
}

it("on_wake", "comes for what a thread outside makes ready")
{
    for (int procs = 1; procs <= 2; procs++) {
        open_host(procs);
        pinned_go(park, NULL);
        update(-1);
        n_wakes = 0;
        CHECK(lg_ready(ticket));
        CHECK_INT(n_wakes, 1);
        update_until(&n_done, 1);
        CHECK(!is_elsewhere);
        spec_close(host);
    }
}

it("on_wake with one of procs", "comes for what is not pinned, too")
{
    open_host(1);
    CHECK_INT(update(-1).ready, 0);
    CHECK_OK(lg_go(host, yield_some, NULL, NULL, NULL));
    CHECK_INT(n_wakes, 1);
    CHECK_OK(lg_go(host, yield_some, NULL, NULL, NULL));
    CHECK_INT(n_wakes, 1);
    update(-1);
    CHECK_INT(n_done, 2);
}

static void drive_to_end(__attribute__((unused)) void *arg)
{
    pinned_go(yield_some, (void *)(intptr_t)3);
    spec_go(host, yield_some, (void *)(intptr_t)3);
    while (n_done < 2) {
        CHECK_OK(lg_sleep_until(lg_now(host) + 100 * 1000));
    }
}

it("drive", "goes on working between updates, pinned and not")
{
    for (int procs = 1; procs <= 4; procs++) {
        open_host(procs);
        for (int round = 0; round < 3; round++) {
            n_done = 0;
            update(0);
            CHECK_OK(lg_run(host, drive_to_end, NULL));
            update(0);
            lg_go_options options = {.pinned = true};
            lg_ref ref;
            CHECK_INT(n_done, 2);
            n_done = 0;
            CHECK_OK(lg_go(host, drive_to_end, NULL, &options, &ref));
            CHECK_OK(lg_drive(host, ref));
            CHECK_INT(n_done, 2);
        }
        spec_close(host);
    }
}

it("drive of a pinned goroutine", "finds a deadlock")
{
    for (int procs = 1; procs <= 3; procs++) {
        open_host(procs);
        ch = spec_chan(host, 8, 0);
        lg_go_options options = {.pinned = true};
        lg_ref ref;
        CHECK_OK(lg_go(host, receive, NULL, &options, &ref));
        CHECK_CODE(lg_drive(host, ref), LG_EDEADLOCK);
        update(-1);
        spec_go(host, send, NULL);
        CHECK_OK(lg_drive(host, ref));
        lg_chan_free(ch);
        spec_close(host);
    }
}

static void update_inside(__attribute__((unused)) void *arg)
{
    lg_update(host, 0, NULL);
}

it("update from a goroutine", "is fatal", .dies = "lg_update() from a goroutine")
{
    open_host(1);
    pinned_go(update_inside, NULL);
    update(-1);
}

it("update inside lg_drive()", "is fatal", .procs = 1,
   .dies = "lg_update() from a goroutine")
{
    lg_update(rt, 0, NULL);
}

static int step(struct script *script, int result)
{
    SCRIPT_BEGIN
    note_thread();
    SCRIPT_AWAIT(lg_yield());
    note_thread();
    SCRIPT_KEEP(lg_sleep_until(lg_now(host) + 1000));
    note_thread();
    n_done++;
    SCRIPT_END
}

it("update of a pinned strand", "runs its goroutines, with C stacks of their own or not")
{
    for (int procs = 1; procs <= 3; procs++) {
        struct interpreter interpreter = {0};
        open_host(procs);
        lg_strand *strand = script_strand(host, &interpreter);
        CHECK_OK(lg_strand_pin(strand));
        for (int i = 0; i < MANY; i++) {
            script_go(strand, step, NULL);
        }
        CHECK(n_wakes > 0);
        lg_update_report report = update(0);
        CHECK_INT(report.steps, 1);
        CHECK_INT(report.ready, MANY);
        update_until(&n_done, MANY);
        CHECK(!is_elsewhere);
        lg_strand_close(strand);
        spec_close(host);
    }
}

static int park_step(struct script *script, int result)
{
    SCRIPT_BEGIN
    ticket = lg_park_arm();
    SCRIPT_AWAIT(lg_park("the host", LG_NEVER));
    note_thread();
    n_done++;
    SCRIPT_END
}

it("on_wake of a pinned strand", "comes also if its last step was the budget's last")
{
    for (int procs = 1; procs <= 2; procs++) {
        struct interpreter interpreter = {0};
        open_host(procs);
        lg_strand *strand = script_strand(host, &interpreter);
        CHECK_OK(lg_strand_pin(strand));
        script_go(strand, park_step, NULL);
        lg_update_report report = update(0);
        CHECK_INT(report.steps, 1);
        CHECK_INT(report.ready, 0);
        n_wakes = 0;
        CHECK(lg_ready(ticket));
        CHECK_INT(n_wakes, 1);
        update_until(&n_done, 1);
        lg_strand_close(strand);
        spec_close(host);
    }
}

it("close of a pinned strand", "does not wait for the host")
{
    struct interpreter interpreter = {0};
    open_host(2);
    lg_strand *strand = script_strand(host, &interpreter);
    CHECK_OK(lg_strand_pin(strand));
    script_go(strand, step, NULL);
    script_go(strand, step, NULL);
    CHECK_INT(update(0).ready, 2);
    lg_strand_close(strand);
    CHECK_INT(update(-1).ready, 0);
}
