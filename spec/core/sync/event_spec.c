// SPDX-License-Identifier: MIT
#include "spec.h"

static lg_event event;
static _Atomic int n_done;
static int ntimes[100];

static void wait_once(void *arg)
{
    CHECK_OK(lg_event_wait(&event, LG_NEVER));
    ntimes[(intptr_t)arg]++;
    n_done++;
}

it("event.emit", "wakes each that waits, once", .procs = 1)
{
    CHECK_INT(lg_event_emit(&event), 0);
    for (intptr_t i = 0; i < 100; i++) {
        spec_go(rt, wait_once, (void *)i);
        SETTLE(spec_waiting(rt, "event wait") == (size_t)i + 1);
    }
    CHECK_INT(lg_event_emit(&event), 100);
    CHECK_INT(lg_event_emit(&event), 0);
    SETTLE(n_done == 100);
    for (int i = 0; i < 100; i++) {
        CHECK_INT(ntimes[i], 1);
    }
}

it("event.wait", "knows nothing of emissions before it, and times out", .procs = 1)
{
    CHECK_INT(lg_event_emit(&event), 0);
    CHECK_CODE(lg_event_wait(&event, 0), LG_EAGAIN);
    CHECK_CODE(lg_event_wait(&event, 1), LG_ETIMEDOUT);
    CHECK_INT(lg_event_emit(&event), 0);
}

static void wait_canceled(__attribute__((unused)) void *arg)
{
    CHECK_CODE(lg_event_wait(&event, LG_NEVER), LG_ECANCELED);
    n_done++;
}

it("event.wait of who is canceled", "leaves the others", .procs = 2)
{
    lg_ref ref = spec_go(rt, wait_canceled, NULL);
    SETTLE(spec_waiting(rt, "event wait") == 1);
    spec_go(rt, wait_once, NULL);
    SETTLE(spec_waiting(rt, "event wait") == 2);
    CHECK_OK(lg_cancel(ref));
    SETTLE(n_done == 1);
    CHECK_INT(lg_event_emit(&event), 1);
    SETTLE(n_done == 2);
}

enum { WAITERS = 16 };

static _Atomic int64_t n_woken;
static _Atomic int64_t n_waits;
static _Atomic int n_left;

static void wait_often(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)arg);
    for (int i = 0; i < spec_rounds(200); i++) {
        bool is_short = spec_random_below(&random, 4) == 0;
        int64_t until_ns = is_short ? lg_now(lg_current()) + 1000 : LG_NEVER;
        int err = lg_event_wait(&event, until_ns);
        CHECK(err == LG_OK || (is_short && err == LG_ETIMEDOUT));
        n_waits += err == LG_OK;
    }
    n_left--;
}

it("many that wait and emit on 4 Ps", "lose no wake-up and get none twice", .procs = 4,
   .limit_s = 20)
{
    n_left = WAITERS;
    for (intptr_t i = 1; i <= WAITERS; i++) {
        spec_go(rt, wait_often, (void *)i);
    }
    while (n_left > 0) {
        n_woken += (int64_t)lg_event_emit(&event);
        lg_yield();
    }
    CHECK_INT(n_woken, n_waits);
}
