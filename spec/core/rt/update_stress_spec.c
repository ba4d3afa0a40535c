// SPDX-License-Identifier: MIT
//
// A host that sleeps whenever it may: a wake-up that is lost leaves it asleep for ever.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <time.h>

#include "script.h"

enum { PINNED = 6, SCRIPTED = 6, FREE = 6, OUTSIDE = 2 };

static lg_runtime *host;
static lg_chan *ch; // everybody sends and receives
static pthread_t thread;
static sem_t told;
static _Atomic int n_told;
static _Atomic int n_left;    // of what is pinned, goroutines that have not ended
static _Atomic int n_free;    // of the others
static _Atomic bool is_wrong; // something pinned ran elsewhere
static _Atomic uint64_t tickets[OUTSIDE][2];
static _Atomic bool is_over;
static int rounds;

static void on_wake(__attribute__((unused)) void *ud)
{
    n_told++;
    sem_post(&told);
}

static void stay(void)
{
    if (!pthread_equal(pthread_self(), thread)) {
        is_wrong = true;
    }
}

static void meet_somehow(struct spec_random *random)
{
    uint64_t v = 1;
    switch (spec_random_below(random, 4)) {
    case 0: CHECK_OK(lg_yield()); break;
    case 1:
        CHECK_OK(lg_sleep_until(lg_now(host) + spec_random_below(random, 100000)));
        break;
    default:
        lg_chan_send(ch, &v, lg_now(host) + 20000);
        lg_chan_recv(ch, &v, lg_now(host) + 20000);
        break;
    }
}

static void run_pinned(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(intptr_t)arg);
    for (int i = 0; i < rounds; i++) {
        meet_somehow(&random);
        stay();
    }
    n_left--;
}

static void run_free(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(intptr_t)arg + 100);
    for (int i = 0; i < rounds; i++) {
        meet_somehow(&random);
    }
    n_free--;
}

static int run_scripted(struct script *script, int result)
{
    SCRIPT_BEGIN
    for (script->round = 0; script->round < rounds; script->round++) {
        stay();
        SCRIPT_AWAIT(lg_chan_recv(ch, &script->words[0], lg_now(host) + 20000));
        stay();
        script->words[0] = 1;
        SCRIPT_KEEP(lg_chan_send(ch, &script->words[0], lg_now(host) + 20000));
        stay();
        SCRIPT_AWAIT(lg_yield());
    }
    n_left--;
    SCRIPT_END
}

// Parks until a thread outside of the runtime readies it, which has nothing else to do.
static void await_outside(void *arg)
{
    int i = (int)(intptr_t)arg;
    for (int round = 0; round < rounds; round++) {
        lg_ticket ticket = lg_park_arm();
        tickets[i][1] = ticket.wait;
        tickets[i][0] = (uint64_t)(uintptr_t)ticket.g; // seq_cst: both are there
        CHECK_OK(lg_park("a thread outside", LG_NEVER));
        stay();
    }
    n_left--;
}

static void *ready_from_outside(void *arg)
{
    int i = (int)(intptr_t)arg;
    while (!is_over) {
        uint64_t g = atomic_exchange(&tickets[i][0], 0);
        if (g) {
            lg_ready((lg_ticket){.g = (lg_g *)(uintptr_t)g, .wait = tickets[i][1]});
        } else {
            sched_yield();
        }
    }
    return NULL;
}

static void drive_a_little(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_sleep_until(lg_now(host) + 20000));
}

// As a host does that waits for events: until it is told, or the moment that it was given.
static void sleep_until(int64_t next_ns)
{
    int64_t wait_ns = next_ns == LG_NEVER ? 5000000000 : next_ns - spec_host_now_ns();
    if (wait_ns <= 0) {
        return;
    }
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += wait_ns / 1000000000;
    end.tv_nsec += wait_ns % 1000000000;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    if (sem_clockwait(&told, CLOCK_MONOTONIC, &end) != 0 && errno == ETIMEDOUT) {
        CHECK(next_ns != LG_NEVER); // it would sleep for ever
    }
    while (sem_trywait(&told) == 0) {
    }
}

static void run_host(struct spec_random *random)
{
    while (n_left > 0) {
        if (spec_random_below(random, 50) == 0) {
            CHECK_OK(lg_run(host, drive_a_little, NULL));
        }
        int told_before = n_told;
        lg_update_report report = {.size_bytes = sizeof report};
        int64_t budget_ns = (int64_t)spec_random_below(random, 50000) - 5000;
        CHECK_OK(lg_update(host, budget_ns, &report));
        CHECK(n_told - told_before <= 2);
        if (n_left > 0 && report.ready == 0) {
            sleep_until(report.next_ns);
        }
    }
}

static void open_host(int procs)
{
    lg_options options;
    lg_options_init(&options);
    options.procs = procs;
    options.on_wake = on_wake;
    thread = pthread_self();
    host = spec_open_with(&options);
    ch = spec_chan(host, 8, 2);
    n_left = PINNED + SCRIPTED + OUTSIDE;
    n_free = FREE;
    is_over = false;
}

static void start(lg_strand *strand)
{
    lg_go_options pinned = {.pinned = true};
    for (intptr_t i = 0; i < PINNED; i++) {
        CHECK_OK(lg_go(host, run_pinned, (void *)i, &pinned, NULL));
    }
    for (intptr_t i = 0; i < SCRIPTED; i++) {
        script_go(strand, run_scripted, NULL);
    }
    for (intptr_t i = 0; i < FREE; i++) {
        CHECK_OK(lg_go(host, run_free, (void *)i, NULL, NULL));
    }
    for (intptr_t i = 0; i < OUTSIDE; i++) {
        CHECK_OK(lg_go(host, await_outside, (void *)i, &pinned, NULL));
    }
}

it("update under load", "loses no wake-up of a host that sleeps", .limit_s = 60)
{
    sem_init(&told, 0, 0);
    rounds = spec_rounds(60);
    for (int procs = 1; procs <= 4; procs *= 2) {
        struct spec_random random = spec_random_new((uint64_t)procs);
        struct interpreter interpreter = {0};
        pthread_t outside[OUTSIDE];
        open_host(procs);
        lg_strand *strand = script_strand(host, &interpreter);
        CHECK_OK(lg_strand_pin(strand));
        start(strand);
        for (intptr_t i = 0; i < OUTSIDE; i++) {
            pthread_create(&outside[i], NULL, ready_from_outside, (void *)i);
        }
        run_host(&random);
        for (int64_t end_ns = spec_settle_end(); n_free > 0;) {
            CHECK_OK(lg_update(host, 0, NULL)); // with one of procs they need it
            spec_settle(end_ns, "the others have ended", SPEC_HERE);
        }
        is_over = true;
        for (int i = 0; i < OUTSIDE; i++) {
            pthread_join(outside[i], NULL);
        }
        CHECK(!is_wrong);
        lg_strand_close(strand);
        lg_chan_free(ch);
        spec_close(host);
    }
}
