// SPDX-License-Identifier: MIT
//
// Clocks: paused, scaled, stepped, over each other. Time is driven here, nothing waits for it.
#include <pthread.h>

#include "spec.h"

#define SECOND INT64_C(1000000000)
#define FAR INT64_C(3600)

static _Atomic int64_t host_ns = 1000;
static _Atomic int n_done;
static _Atomic bool is_over;
static int turns[64];

static int64_t read_host(__attribute__((unused)) void *ud)
{
    return host_ns;
}

static lg_runtime *open_driven(int procs)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = procs;
    opts.seed = 1;
    opts.clock = read_host;
    return spec_open_with(&opts);
}

static void advance(lg_runtime *rt, int64_t ns)
{
    host_ns += ns;
    lg_clock_moved(rt);
}

static lg_clock *new_clock(lg_clock *parent)
{
    lg_clock *clock;
    CHECK_OK(lg_clock_new(parent, &clock));
    return clock;
}

// -- reading --

it("a clock that nobody has changed", "shows what its parent shows")
{
    lg_runtime *driven = open_driven(1);
    lg_clock *root = lg_clock_of(driven);
    lg_clock *world = new_clock(root);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(lg_now(driven), host_ns);
        CHECK_INT(lg_clock_now(root), host_ns);
        CHECK_INT(lg_clock_now(world), host_ns);
        advance(driven, 17);
    }
    lg_clock_release(world);
}

it("a paused clock", "stands, and goes on from there")
{
    lg_runtime *driven = open_driven(1);
    lg_clock *root = lg_clock_of(driven);
    lg_clock_pause(root);
    CHECK(lg_clock_is_paused(root));
    advance(driven, 500);
    CHECK_INT(lg_now(driven), 1000);
    lg_clock_pause(root);
    advance(driven, 500);
    CHECK_INT(lg_now(driven), 1000);
    CHECK_OK(lg_clock_resume(root));
    CHECK_OK(lg_clock_resume(root));
    CHECK(!lg_clock_is_paused(root));
    advance(driven, 30);
    CHECK_INT(lg_now(driven), 1030);
}

it("a scaled clock", "goes so much faster or slower")
{
    lg_runtime *driven = open_driven(1);
    lg_clock *root = lg_clock_of(driven);
    CHECK_OK(lg_clock_set_scale(root, 2));
    advance(driven, 100);
    CHECK_INT(lg_now(driven), 1200);
    CHECK_OK(lg_clock_set_scale(root, 0.25));
    CHECK(lg_clock_scale(root) == 0.25);
    advance(driven, 100);
    CHECK_INT(lg_now(driven), 1225);
    CHECK_OK(lg_clock_set_scale(root, 0));
    CHECK(!lg_clock_is_paused(root));
    advance(driven, 100);
    CHECK_INT(lg_now(driven), 1225);
    CHECK_OK(lg_clock_set_scale(root, 1));
    advance(driven, 5);
    CHECK_INT(lg_now(driven), 1230);
}

it("a scale set while a clock is paused", "counts from its resumption on")
{
    lg_runtime *driven = open_driven(1);
    lg_clock *root = lg_clock_of(driven);
    lg_clock_pause(root);
    CHECK_OK(lg_clock_set_scale(root, 3));
    advance(driven, 100);
    CHECK_INT(lg_now(driven), 1000);
    CHECK_OK(lg_clock_resume(root));
    advance(driven, 100);
    CHECK_INT(lg_now(driven), 1300);
}

it("a clock that is stepped", "moves at once, paused or not")
{
    lg_runtime *driven = open_driven(1);
    lg_clock *root = lg_clock_of(driven);
    CHECK_OK(lg_clock_step(root, 50));
    CHECK_INT(lg_now(driven), 1050);
    lg_clock_pause(root);
    CHECK_OK(lg_clock_step(root, 0));
    CHECK_OK(lg_clock_step(root, 7));
    CHECK_INT(lg_now(driven), 1057);
    CHECK_OK(lg_clock_step(root, LG_NEVER));
    CHECK(lg_now(driven) < LG_NEVER);
    CHECK_OK(lg_clock_step(root, LG_NEVER));
    CHECK(lg_now(driven) < LG_NEVER);
    CHECK_OK(lg_clock_resume(root));
}

it("clocks over each other", "multiply, and a paused one pauses those above")
{
    lg_runtime *driven = open_driven(1);
    lg_clock *root = lg_clock_of(driven);
    lg_clock *world = new_clock(root);
    lg_clock *boss = new_clock(world);
    lg_clock *menu = new_clock(root);
    CHECK_OK(lg_clock_set_scale(world, 2));
    CHECK_OK(lg_clock_set_scale(boss, 3));
    advance(driven, 10);
    CHECK_INT(lg_clock_now(world), 1020);
    CHECK_INT(lg_clock_now(boss), 1060);
    lg_clock_pause(world);
    advance(driven, 10);
    CHECK_INT(lg_clock_now(boss), 1060);
    CHECK_INT(lg_clock_now(menu), 1020);
    CHECK(!lg_clock_is_paused(boss));
    CHECK_OK(lg_clock_step(boss, 5));
    CHECK_INT(lg_clock_now(boss), 1065);
    CHECK_OK(lg_clock_step(world, 2));
    CHECK_INT(lg_clock_now(boss), 1071);
    lg_clock_release(world);
    lg_clock_release(boss); // which has kept world
    lg_clock_release(menu);
    lg_clock_release(root); // does nothing
    lg_clock_release(NULL);
    CHECK_INT(lg_now(driven), 1020);
}

it("a figure that no clock can have", "is refused, and changes nothing")
{
    lg_runtime *driven = open_driven(1);
    lg_clock *root = lg_clock_of(driven);
    CHECK_CODE(lg_clock_set_scale(root, -1), LG_EINVAL);
    CHECK_CODE(lg_clock_set_scale(root, LG_CLOCK_SCALE_MAX + 1), LG_EINVAL);
    CHECK_CODE(lg_clock_set_scale(root, 0.0 / 0.0), LG_EINVAL);
    CHECK_CODE(lg_clock_step(root, -1), LG_EINVAL);
    CHECK(lg_clock_scale(root) == 1);
    lg_clock *clocks[LG_CLOCK_DEPTH_MAX] = {root};
    for (int i = 1; i < LG_CLOCK_DEPTH_MAX; i++) {
        clocks[i] = new_clock(clocks[i - 1]);
    }
    lg_clock *more = NULL;
    CHECK_CODE(lg_clock_new(clocks[LG_CLOCK_DEPTH_MAX - 1], &more), LG_EINVAL);
    CHECK(more == NULL);
    CHECK_INT(lg_clock_now(clocks[LG_CLOCK_DEPTH_MAX - 1]), host_ns);
    for (int i = 1; i < LG_CLOCK_DEPTH_MAX; i++) {
        lg_clock_release(clocks[i]);
    }
}

// -- goroutines --

struct sleeper {
    lg_clock *clock;
    int64_t until_ns;
};

static void sleep_on(void *arg)
{
    struct sleeper *s = arg;
    lg_clock_use(s->clock);
    CHECK(lg_clock_self() == (s->clock ? s->clock : lg_clock_of(lg_current())));
    CHECK_OK(lg_sleep_until(s->until_ns));
    CHECK(lg_clock_now(lg_clock_self()) >= s->until_ns);
    n_done++;
}

static void pause_and_scale(void *arg)
{
    lg_runtime *rt = arg;
    lg_clock *world = new_clock(lg_clock_of(rt));
    struct sleeper slow = {world, 1000 + 10 * SECOND};
    struct sleeper plain = {NULL, 1000 + 10 * SECOND};
    lg_clock_pause(world);
    spec_go(rt, sleep_on, &slow);
    spec_go(rt, sleep_on, &plain);
    SETTLE(spec_waiting(rt, "sleep") == 2);
    advance(rt, 10 * SECOND);
    SETTLE(n_done == 1);
    CHECK_OK(lg_clock_set_scale(world, 5));
    CHECK_OK(lg_clock_resume(world));
    advance(rt, 2 * SECOND - 2);
    SETTLE(spec_waiting(rt, "sleep") == 1);
    CHECK_INT(n_done, 1);
    advance(rt, 2);
    SETTLE(n_done == 2);
    lg_clock_release(world);
}

it("sleep on a clock", "ends when that one comes to the moment")
{
    lg_runtime *driven = open_driven(1);
    spec_main(driven, pause_and_scale, driven);
}

static void sleep_in_turn(void *arg)
{
    intptr_t number = (intptr_t)arg;
    lg_clock *clock = lg_clock_self();
    CHECK_OK(lg_sleep_until(lg_clock_now(clock) + (number * 37 % 64 + 1) * FAR));
    turns[n_done++] = (int)(number * 37 % 64);
}

static void step_paused(void *arg)
{
    lg_runtime *rt = arg;
    lg_clock *root = lg_clock_of(rt);
    lg_clock_pause(root);
    for (intptr_t i = 0; i < 64; i++) {
        spec_go(rt, sleep_in_turn, (void *)i);
    }
    SETTLE(spec_waiting(rt, "sleep") == 64);
    for (int i = 1; i <= 32; i++) {
        CHECK_OK(lg_clock_step(root, FAR - 1));
        CHECK_INT(n_done, i - 1);
        CHECK_OK(lg_clock_step(root, 1));
        SETTLE(n_done == i);
    }
    CHECK_OK(lg_clock_step(root, 32 * FAR));
    SETTLE(n_done == 64);
    for (int i = 0; i < 32; i++) {
        CHECK_INT(turns[i], i);
    }
}

it("sleepers on the real clock, paused and stepped", "wake in the order of moments",
   .procs = 1)
{
    step_paused(rt);
}

static void sleep_child(void *arg)
{
    lg_clock_use(arg);
    CHECK_OK(lg_sleep_until(lg_clock_now(arg) + FAR * SECOND));
    n_done++;
}

it("sleepers under several clocks", "wake when a clock below them is stepped", .procs = 2)
{
    lg_clock *world = new_clock(lg_clock_of(rt));
    lg_clock *boss = new_clock(world);
    lg_clock_pause(boss);
    for (int i = 0; i < 10; i++) {
        spec_go(rt, sleep_child, boss);
    }
    SETTLE(spec_waiting(rt, "sleep") == 10);
    CHECK_OK(lg_clock_step(world, 2 * FAR * SECOND));
    CHECK_INT(n_done, 0);
    CHECK_OK(lg_clock_resume(boss));
    CHECK_OK(lg_clock_step(world, 2 * FAR * SECOND));
    SETTLE(n_done == 10);
    SETTLE(spec_stats(rt).timers == 0);
    lg_clock_release(boss);
    lg_clock_release(world);
}

static void wait_canceled(void *arg)
{
    lg_clock_use(arg);
    int64_t at_ns = lg_clock_now(arg) + FAR * SECOND;
    CHECK_CODE(lg_sleep_until(at_ns), LG_ECANCELED);
    n_done++;
}

static void time_out(void *arg)
{
    lg_clock_use(arg);
    lg_chan *ch = spec_chan(lg_current(), 0, 0);
    int64_t at_ns = lg_clock_now(arg) + FAR * SECOND;
    CHECK_CODE(lg_chan_recv(ch, NULL, at_ns), LG_ETIMEDOUT);
    lg_chan_free(ch);
    lg_clock_use(NULL);
    CHECK(lg_clock_self() == lg_clock_of(lg_current()));
    n_done++;
}

it("a time-out", "is on the clock of who waits", .procs = 2)
{
    lg_clock *world = new_clock(lg_clock_of(rt));
    spec_go(rt, time_out, world);
    SETTLE(spec_waiting(rt, "chan receive") == 1);
    CHECK_OK(lg_clock_step(world, FAR * SECOND));
    SETTLE(n_done == 1);
    lg_clock_release(world);
}

it("a goroutine that is canceled on a clock that stands", "leaves no timer there",
   .procs = 2)
{
    lg_clock *world = new_clock(lg_clock_of(rt));
    lg_clock_pause(world);
    lg_ref ref = spec_go(rt, wait_canceled, world);
    SETTLE(spec_waiting(rt, "sleep") == 1);
    CHECK_OK(lg_cancel(ref));
    SETTLE(n_done == 1);
    SETTLE(spec_stats(rt).timers == 0);
    lg_clock_release(world);
}

// -- timers --

static void count_up(__attribute__((unused)) void *arg)
{
    n_done++;
}

it("a timer on a clock", "comes and repeats on that one", .procs = 1)
{
    lg_clock *world = new_clock(lg_clock_of(rt));
    lg_timer timer = {{0}};
    lg_timer_init(&timer, rt, NULL, count_up, NULL);
    lg_timer_use(&timer, world);
    lg_clock_pause(world);
    CHECK_OK(lg_timer_start(&timer, lg_clock_now(world) + SECOND, SECOND));
    for (int i = 1; i <= 5; i++) {
        CHECK_OK(lg_clock_step(world, SECOND));
        SETTLE(n_done == i);
    }
    CHECK(lg_timer_stop(&timer));
    CHECK(!lg_timer_stop(&timer));
    CHECK_OK(lg_clock_step(world, SECOND));
    CHECK_OK(lg_yield());
    CHECK_INT(n_done, 5);
    lg_clock_release(world);
}

// -- who may wake whom --

static void pause_and_sleep(void *arg)
{
    lg_clock_pause(lg_clock_of(arg));
    lg_sleep_until(lg_now(arg) + 1);
}

it("a program that has paused its own clock and sleeps", "is a deadlock")
{
    lg_runtime *host = spec_open(2);
    spec_leave(host);
    CHECK_CODE(lg_run(host, pause_and_sleep, host), LG_EDEADLOCK);
    spec_close(host);
}

static void sleep_a_moment(void *arg)
{
    CHECK_OK(lg_sleep_until(lg_now(arg) + 1));
    n_done++;
}

static void *resume_later(void *arg)
{
    SETTLE(spec_waiting(arg, "sleep") == 1);
    CHECK_OK(lg_clock_resume(lg_clock_of(arg)));
    return NULL;
}

it("a clock that another thread has paused", "is none: that one resumes it")
{
    lg_runtime *host = spec_open(1);
    pthread_t thread;
    lg_clock_pause(lg_clock_of(host));
    CHECK_INT(pthread_create(&thread, NULL, resume_later, host), 0);
    spec_main(host, sleep_a_moment, host);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(n_done, 1);
}

// -- many threads --

// Each reading must not be less than the one before.
static void read_on(void *arg)
{
    lg_clock *clock = arg;
    int64_t last_ns = lg_clock_now(clock);
    while (!is_over) {
        for (int i = 0; i < 100; i++) {
            int64_t now_ns = lg_clock_now(clock);
            CHECK(now_ns >= last_ns);
            last_ns = now_ns;
        }
        lg_checkpoint();
    }
    n_done++;
}

static void *read_outside(void *arg)
{
    read_on(arg);
    return NULL;
}

static void change_at_random(struct spec_random *random, lg_clock *clock)
{
    switch (spec_random_below(random, 4)) {
    case 0: lg_clock_pause(clock); break;
    case 1: CHECK_OK(lg_clock_resume(clock)); break;
    case 2:
        CHECK_OK(lg_clock_set_scale(clock, spec_random_below(random, 40) / 8.0));
        break;
    default: CHECK_OK(lg_clock_step(clock, spec_random_below(random, 1000000)));
    }
}

it("clocks that are changed while others read them", "never go back", .procs = 4,
   .limit_s = 20)
{
    lg_clock *clocks[3] = {lg_clock_of(rt)};
    pthread_t threads[3];
    struct spec_random random = spec_random_new(1);
    for (int i = 0; i < 3; i++) {
        clocks[i] = i ? new_clock(clocks[i - 1]) : clocks[i];
        spec_go(rt, read_on, clocks[i]);
        CHECK_INT(pthread_create(&threads[i], NULL, read_outside, clocks[i]), 0);
    }
    for (int i = 0; i < spec_rounds(3000); i++) {
        change_at_random(&random, clocks[spec_random_below(&random, 3)]);
        lg_checkpoint();
    }
    is_over = true;
    for (int i = 0; i < 3; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    }
    SETTLE(n_done == 6);
    lg_clock_release(clocks[2]);
    lg_clock_release(clocks[1]);
}

static lg_clock *stress_clocks[4];

static void sleep_at_random(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)arg);
    for (int i = 0; i < 10; i++) {
        lg_clock *clock = stress_clocks[spec_random_below(&random, 4)];
        lg_clock_use(clock);
        int64_t until_ns = lg_clock_now(clock) + spec_random_below(&random, 1000000);
        CHECK_OK(lg_sleep_until(until_ns));
        CHECK(lg_clock_now(clock) >= until_ns);
    }
    n_done++;
}

it("sleepers on clocks that are changed all the time", "all wake, none too early",
   .procs = 4, .limit_s = 30)
{
    int n = spec_rounds(200);
    struct spec_random random = spec_random_new(7);
    stress_clocks[0] = lg_clock_of(rt);
    for (int i = 1; i < 4; i++) {
        stress_clocks[i] = new_clock(stress_clocks[(i - 1) / 2]);
    }
    for (intptr_t i = 1; i <= n; i++) {
        spec_go(rt, sleep_at_random, (void *)i);
    }
    while (n_done < n) {
        change_at_random(&random, stress_clocks[spec_random_below(&random, 4)]);
        if (spec_random_below(&random, 8) == 0) {
            for (int i = 0; i < 4; i++) {
                CHECK_OK(lg_clock_resume(stress_clocks[i]));
            }
        }
        lg_yield();
    }
    for (int i = 3; i > 0; i--) {
        lg_clock_release(stress_clocks[i]);
    }
    SETTLE(spec_stats(rt).timers == 0);
}
