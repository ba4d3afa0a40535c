// SPDX-License-Identifier: MIT
//
// Timers: order, periods, stopping, restarting; most on a clock that stands
// until the spec moves it.
#include "script.h"

enum { MANY = 200 };

static _Atomic int64_t clock_ns;
static _Atomic int n_fired;
static int fired[4 * MANY];
static lg_timer timers[MANY];
static lg_chan *ch;

static int64_t clock_read(__attribute__((unused)) void *ud)
{
    return clock_ns;
}

static void driven(void (*fn)(void *arg))
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 1;
    opts.seed = 1;
    opts.clock = clock_read;
    lg_runtime *rt = spec_open_with(&opts);
    spec_main(rt, fn, rt);
}

static void clock_set(lg_runtime *rt, int64_t now_ns)
{
    clock_ns = now_ns;
    lg_clock_moved(rt);
}

static void let_run(void)
{
    for (int i = 0; i < 100; i++) {
        CHECK_OK(lg_yield());
    }
}

static void note(void *arg)
{
    fired[n_fired++] = (int)(intptr_t)arg;
}

static void fires_in_order(void *arg)
{
    lg_runtime *rt = arg;
    for (intptr_t i = 0; i < MANY; i++) {
        lg_timer_init(&timers[i], rt, NULL, note, (void *)i);
    }
    for (int i = 0; i < MANY; i++) {
        int at = i * 73 % MANY; // in no order
        CHECK_OK(lg_timer_start(&timers[at], 1000 + at, 0));
    }
    CHECK_INT(spec_stats(rt).timers, MANY);
    let_run();
    CHECK_INT(n_fired, 0);
    clock_set(rt, 1000 + MANY / 2 - 1);
    SETTLE(n_fired == MANY / 2);
    clock_set(rt, 1000000);
    SETTLE(n_fired == MANY);
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(fired[i], i);
        CHECK(!lg_timer_stop(&timers[i]));
    }
    CHECK_INT(spec_stats(rt).timers, 0);
}

it("timer", "fires in the order of moments")
{
    driven(fires_in_order);
}

static void stop_and_restart(void *arg)
{
    lg_runtime *rt = arg;
    lg_timer *timer = &timers[0];
    lg_timer_init(timer, rt, NULL, note, (void *)1);
    CHECK(!lg_timer_stop(timer)); // not started
    CHECK_CODE(lg_timer_start(timer, 100, -1), LG_EINVAL);
    CHECK_INT(spec_stats(rt).timers, 0);
    CHECK_OK(lg_timer_start(timer, 100, 0));
    CHECK(lg_timer_stop(timer));
    CHECK(!lg_timer_stop(timer));
    clock_set(rt, 200);
    let_run();
    CHECK_INT(n_fired, 0);
    CHECK_OK(lg_timer_start(timer, 300, 0));
    CHECK_OK(lg_timer_start(timer, 400, 0)); // later
    clock_set(rt, 399);
    let_run();
    CHECK_INT(n_fired, 0);
    CHECK_OK(lg_timer_start(timer, 399, 0)); // sooner, and at once
    SETTLE(n_fired == 1);
    clock_set(rt, 1000);
    let_run();
    CHECK_INT(n_fired, 1);
    CHECK_OK(lg_timer_start(timer, 5, 0)); // long ago
    SETTLE(n_fired == 2);
}

it("timer", "stops, restarts with other figures, and fires at once for the past")
{
    driven(stop_and_restart);
}

static void tick(void *arg)
{
    lg_runtime *rt = arg;
    lg_timer_init(&timers[0], rt, NULL, note, NULL);
    CHECK_OK(lg_timer_start(&timers[0], 100, 50));
    for (int i = 0; i < 10; i++) {
        clock_set(rt, 100 + i * 50 - 1);
        let_run();
        CHECK_INT(n_fired, i);
        clock_set(rt, 100 + i * 50);
        SETTLE(n_fired == i + 1);
    }
    clock_set(rt, 100 + 50 * 25 + 7); // misses many
    SETTLE(n_fired == 11);
    let_run();
    CHECK_INT(n_fired, 11);
    clock_set(rt, 100 + 50 * 26); // and keeps step
    SETTLE(n_fired == 12);
    CHECK_INT(spec_stats(rt).timers, 1);
    CHECK(lg_timer_stop(&timers[0]));
    clock_set(rt, 100000);
    let_run();
    CHECK_INT(n_fired, 12);
}

it("timer with a period", "fires every so often, skips what it missed, and stops")
{
    driven(tick);
}

static void stop_itself(__attribute__((unused)) void *arg)
{
    if (++n_fired == 3) {
        lg_timer_stop(&timers[0]);
    }
}

static void restart_itself(__attribute__((unused)) void *arg)
{
    if (++n_fired < 10) {
        CHECK_OK(lg_timer_start(&timers[0], clock_ns, 0));
    }
}

static void from_within(void *arg)
{
    lg_runtime *rt = arg;
    lg_timer_init(&timers[0], rt, NULL, stop_itself, NULL);
    CHECK_OK(lg_timer_start(&timers[0], 10, 10));
    for (int i = 1; i < 10; i++) {
        clock_set(rt, i * 10);
        let_run();
    }
    CHECK_INT(n_fired, 3);
    CHECK_INT(spec_stats(rt).timers, 0);
    n_fired = 0;
    lg_timer_init(&timers[0], rt, NULL, restart_itself, NULL);
    CHECK_OK(lg_timer_start(&timers[0], 0, 0));
    SETTLE(n_fired == 10);
}

it("timer", "may stop and restart itself from its function")
{
    driven(from_within);
}

static _Atomic int sum;

static void add(void *arg)
{
    sum += (int)(intptr_t)arg;
    n_fired++;
}

static void act(void *arg)
{
    lg_runtime *rt = arg;
    CHECK_OK(lg_go(rt, add, (void *)5, NULL, NULL));
    CHECK_OK(lg_chan_send(ch, &(int){6}, 0));
    CHECK(lg_timer_stop(&timers[1]));
    CHECK_OK(lg_timer_start(&timers[2], 0, 0));
}

it("timer", "may start goroutines, send, and stop and start others", .procs = 2)
{
    ch = spec_chan(rt, sizeof(int), 1);
    lg_timer_init(&timers[0], rt, NULL, act, rt);
    lg_timer_init(&timers[1], rt, NULL, add, (void *)1);
    lg_timer_init(&timers[2], rt, NULL, add, (void *)2);
    CHECK_OK(lg_timer_start(&timers[1], spec_ms(rt, 100000), 0));
    CHECK_OK(lg_timer_start(&timers[0], spec_ms(rt, 1), 0));
    int value = 0;
    CHECK_OK(lg_chan_recv(ch, &value, LG_NEVER));
    CHECK_INT(value, 6);
    SETTLE(n_fired == 2);
    CHECK_INT(sum, 7);
    lg_chan_free(ch);
}

// ---------------------------------------------------------------------------
// Inside a strand
// ---------------------------------------------------------------------------

static struct interpreter interpreter;
static lg_strand *strand;

static void note_inside(__attribute__((unused)) void *arg)
{
    CHECK(lg_strand_self() == strand);
    CHECK_INT(interpreter.inside, 0);
    n_fired++;
}

static int start_timers(struct script *script, int result)
{
    SCRIPT_BEGIN
    for (int i = 0; i < 20; i++) {
        CHECK_OK(lg_timer_start(&timers[i], lg_now(lg_current()) + i * 100000, 0));
    }
    while (n_fired < 20) {
        SCRIPT_AWAIT(lg_yield())
    }
    CHECK(!lg_timer_stop(&timers[0]));
    SCRIPT_END
}

it("timer of a strand", "fires inside it, between two goroutines")
{
    lg_runtime *host = spec_open(2);
    strand = script_strand(host, &interpreter);
    for (int i = 0; i < 20; i++) {
        lg_timer_init(&timers[i], host, strand, note_inside, NULL);
    }
    CHECK_OK(lg_drive(host, script_go(strand, start_timers, NULL)));
    CHECK_INT(n_fired, 20);
}

// ---------------------------------------------------------------------------
// Races and luck
// ---------------------------------------------------------------------------

static _Atomic bool is_inside;
static _Atomic bool has_fired;
static _Atomic bool is_stopped;

static void fire_in_race(__attribute__((unused)) void *arg)
{
    CHECK(!is_stopped);
    is_inside = true;
    has_fired = true;
    for (int i = 0; i < 100; i++) {
        CHECK(!is_stopped);
    }
    is_inside = false;
}

it("timer.stop in a race", "says true or the timer has fired, never both", .procs = 2,
   .limit_s = 20)
{
    struct spec_random random = spec_random_new(1);
    int n_stopped = 0;
    int rounds = spec_rounds(20000);
    for (int i = 0; i < rounds; i++) {
        has_fired = false;
        is_stopped = false;
        int64_t now = lg_now(rt);
        lg_timer_init(&timers[0], rt, NULL, fire_in_race, NULL);
        CHECK_OK(lg_timer_start(&timers[0], now + spec_random_below(&random, 4000), 0));
        while (!has_fired && lg_now(rt) < now + spec_random_below(&random, 8000)) {
            CHECK_OK(lg_yield());
        }
        bool is_mine = lg_timer_stop(&timers[0]);
        CHECK(!is_inside);
        is_stopped = true;
        CHECK(is_mine != has_fired);
        n_stopped += is_mine;
    }
    CHECK(n_stopped > 0 && n_stopped < rounds);
}

static struct model {
    int64_t when; // 0: not pending
    int n_fired;
} model[MANY];

static void model_note(void *arg)
{
    struct model *entry = arg;
    CHECK(entry->when && entry->when <= clock_ns);
    entry->when = 0;
    entry->n_fired++;
}

static void against_a_model(void *arg)
{
    lg_runtime *rt = arg;
    struct spec_random random = spec_random_new(2);
    for (int i = 0; i < MANY; i++) {
        lg_timer_init(&timers[i], rt, NULL, model_note, &model[i]);
    }
    for (int i = 0; i < spec_rounds(40000); i++) {
        uint32_t at = spec_random_below(&random, MANY);
        uint32_t choice = spec_random_below(&random, 10);
        if (choice < 6) {
            model[at].when = clock_ns + 1 + spec_random_below(&random, 500);
            CHECK_OK(lg_timer_start(&timers[at], model[at].when, 0));
        } else if (choice < 9) {
            CHECK_INT(lg_timer_stop(&timers[at]), model[at].when != 0);
            model[at].when = 0;
        } else {
            clock_set(rt, clock_ns + spec_random_below(&random, 100));
            CHECK_OK(lg_yield());
            CHECK_OK(lg_yield());
        }
    }
    size_t n_pending = 0;
    for (int i = 0; i < MANY; i++) {
        n_pending += model[i].when != 0;
    }
    SETTLE(spec_stats(rt).timers <= n_pending);
    for (int i = 0; i < MANY; i++) {
        if (lg_timer_stop(&timers[i])) {
            CHECK(model[i].when > clock_ns);
        }
    }
}

it("timers started and stopped at random", "do what a model does")
{
    driven(against_a_model);
}

// Sleepers on Ps that are then in excess.
static _Atomic int nslept;

static void sleep_in_excess(void *arg)
{
    lg_runtime *rt = lg_current();
    CHECK_OK(lg_sleep_until(lg_now(rt) + 20000));
    CHECK_OK(lg_set_procs(rt, 1));
    CHECK_OK(lg_sleep_until(lg_now(rt) + 200000));
    nslept++;
    (void)arg;
}

it("timer of a P that is in excess",
   "fires, though the only other goroutine yields alone", .procs = 1)
{
    enum { NSLEEPERS = 8 };
    for (int i = 0; i < spec_rounds(100); i++) {
        nslept = 0;
        CHECK_OK(lg_set_procs(rt, 4));
        for (int j = 0; j < NSLEEPERS; j++) {
            spec_go(rt, sleep_in_excess, NULL);
        }
        SETTLE(nslept == NSLEEPERS);
    }
}
