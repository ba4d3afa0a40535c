// SPDX-License-Identifier: MIT
//
// Park and ready: the wait under all waits.
#include <pthread.h>

#include "spec.h"

static lg_ticket ticket;
static _Atomic bool is_armed;
static _Atomic int n_done;
static int64_t deadline = LG_NEVER;
static int outcome;

static void park_once(__attribute__((unused)) void *arg)
{
    ticket = lg_park_arm();
    is_armed = true;
    outcome = lg_park("spec wait", deadline);
    n_done++;
}

it("ready", "ends a wait once", .procs = 2)
{
    lg_ref ref = spec_go(rt, park_once, NULL);
    SETTLE(spec_is_waiting(rt, ref));
    CHECK_INT(spec_waiting(rt, "spec wait"), 1);
    lg_ticket copy = ticket;
    CHECK(lg_ready(copy));
    CHECK(!lg_ready(ticket));
    SETTLE(n_done == 1);
    CHECK_CODE(outcome, LG_OK);
    CHECK(!lg_ready(ticket)); // for ever
}

it("ready before park", "makes the park return at once", .procs = 1)
{
    for (int i = 0; i < 100; i++) {
        lg_ticket mine = lg_park_arm();
        CHECK(lg_ready(mine));
        CHECK(!lg_ready(mine));
        CHECK_OK(lg_park("spec wait", i % 2 ? LG_NEVER : spec_ms(rt, 1000)));
        CHECK(!lg_ready(mine));
    }
}

it("ready after the deadline", "comes too late", .procs = 1)
{
    lg_ticket mine = lg_park_arm();
    CHECK_CODE(lg_park("spec wait", spec_ms(rt, 1)), LG_ETIMEDOUT);
    CHECK(!lg_ready(mine));
    mine = lg_park_arm();
    CHECK_CODE(lg_park("spec wait", 0), LG_EAGAIN);
    CHECK(!lg_ready(mine));
}

it("ready of an old ticket", "does not end the next wait", .procs = 2)
{
    lg_ref ref = spec_go(rt, park_once, NULL);
    SETTLE(spec_is_waiting(rt, ref));
    lg_ticket old = ticket;
    CHECK(lg_ready(old));
    SETTLE(n_done == 1);
    for (int i = 0; i < 20; i++) { // the record is re-used
        ref = spec_go(rt, park_once, NULL);
        SETTLE(spec_is_waiting(rt, ref));
        CHECK(!lg_ready(old));
        CHECK(spec_is_waiting(rt, ref));
        CHECK(lg_ready(ticket));
        SETTLE(n_done == i + 2);
    }
}

it("wait_reason", "replaces a primitive's word for one wait", .procs = 1)
{
    lg_chan *ch = spec_chan(rt, 0, 0);
    lg_wait_reason("io wait");
    CHECK_CODE(lg_chan_recv(ch, NULL, spec_ms(rt, 1)), LG_ETIMEDOUT);
    lg_chan_free(ch);
}

static lg_chan *quiet;

static void read_slowly(__attribute__((unused)) void *arg)
{
    lg_wait_reason("io wait");
    CHECK_OK(lg_chan_recv(quiet, NULL, LG_NEVER));
    CHECK_OK(lg_chan_recv(quiet, NULL, LG_NEVER));
    n_done++;
}

it("wait_reason", "shows while the goroutine waits, and then no more", .procs = 2)
{
    quiet = spec_chan(rt, 0, 0);
    lg_ref ref = spec_go(rt, read_slowly, NULL);
    SETTLE(spec_is_waiting(rt, ref));
    CHECK_INT(spec_waiting(rt, "io wait"), 1);
    CHECK_OK(lg_chan_send(quiet, "", LG_NEVER));
    SETTLE(spec_waiting(rt, "chan receive") == 1);
    CHECK_OK(lg_chan_send(quiet, "", LG_NEVER));
    SETTLE(n_done == 1);
    lg_chan_free(quiet);
}

it("park without arm", "is fatal", .dies = "lg_park", .procs = 1)
{
    lg_park("spec wait", LG_NEVER);
}

it("park_arm outside a goroutine", "is fatal", .dies = "goroutine")
{
    lg_park_arm();
}

it("wait with nothing armed", "is fatal", .dies = "arm", .procs = 1)
{
    lg_wait();
}

// ---------------------------------------------------------------------------
// A host's thread wakes goroutines
// ---------------------------------------------------------------------------

static void *ready_from_outside(__attribute__((unused)) void *arg)
{
    SETTLE(is_armed);
    CHECK(lg_ready(ticket));
    return NULL;
}

it("ready from a thread of the host", "wakes a runtime that sleeps", .procs = 2)
{
    pthread_t thread;
    for (int i = 0; i < 50; i++) {
        is_armed = false;
        lg_hold(rt);
        CHECK_INT(pthread_create(&thread, NULL, ready_from_outside, NULL), 0);
        park_once(NULL);
        CHECK_CODE(outcome, LG_OK);
        lg_release(rt);
        CHECK_INT(pthread_join(thread, NULL), 0);
    }
}

// ---------------------------------------------------------------------------
// No wake-up is lost and none comes twice: a ring of goroutines that ready one
// another at random moments around their parks
// ---------------------------------------------------------------------------

enum { RING = 64 };

struct seat {
    _Atomic uint64_t wait; // the ticket's
    _Atomic(lg_g *) g;
    _Atomic int n_tokens; // given by the left neighbour
    _Atomic bool is_armed;
    int n_left;
};

static struct seat seats[RING];
static int n_laps;

// Gives a token; whoever takes the armed flag must ready.
static void token_give(struct seat *seat)
{
    seat->n_tokens++;
    if (atomic_exchange(&seat->is_armed, false)) {
        lg_ready((lg_ticket){seat->g, seat->wait});
    }
}

static void token_take(struct seat *seat, struct spec_random *random)
{
    while (seat->n_tokens == 0) {
        lg_ticket mine = lg_park_arm();
        seat->g = mine.g;
        seat->wait = mine.wait;
        seat->is_armed = true;
        if (seat->n_tokens && atomic_exchange(&seat->is_armed, false)) {
            CHECK_CODE(lg_park("spec wait", 0), LG_EAGAIN);
            break;
        }
        int64_t until = LG_NEVER;
        if (spec_random_below(random, 4) == 0) {
            until = lg_now(lg_current()) + spec_random_below(random, 50000);
        }
        lg_park("spec wait", until);
        seat->is_armed = false;
    }
    seat->n_tokens--;
}

static void ring_run(void *arg)
{
    size_t at = (size_t)(uintptr_t)arg;
    struct spec_random random = spec_random_new(at);
    for (int lap = 0; lap < n_laps; lap++) {
        token_take(&seats[at], &random);
        uint32_t choice = spec_random_below(&random, 64);
        if (choice < 8) {
            CHECK_OK(lg_yield());
        } else if (choice == 8) {
            CHECK_OK(lg_sleep_until(lg_now(lg_current()) + 20000));
        }
        token_give(&seats[(at + 1) % RING]);
    }
    n_done++;
}

it("park and ready in a ring on 4 Ps", "lose no wake-up", .procs = 4, .limit_s = 30)
{
    n_laps = spec_rounds(3000);
    for (intptr_t i = 0; i < RING; i += 8) {
        seats[i].n_tokens = 1; // all before the first runs and passes one on
    }
    for (intptr_t i = 0; i < RING; i++) {
        spec_go(rt, ring_run, (void *)i);
    }
    SETTLE(n_done == RING);
}
