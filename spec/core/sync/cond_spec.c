// SPDX-License-Identifier: MIT
//
// Conditions.
#include "spec.h"

static lg_mutex mutex;
static lg_cond cond;
static _Atomic int n_done;
static int order[32];
static int n_order;

static void wait_in_turn(void *arg)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    CHECK_OK(lg_cond_wait(&cond, &mutex, LG_NEVER));
    CHECK(lg_mutex_is_locked(&mutex));
    order[n_order++] = (int)(intptr_t)arg;
    CHECK_OK(lg_mutex_unlock(&mutex));
    n_done++;
}

static void start_waiters(lg_runtime *rt, int n)
{
    for (intptr_t i = 0; i < n; i++) {
        lg_ref ref = spec_go(rt, wait_in_turn, (void *)i);
        SETTLE(spec_is_waiting(rt, ref) && !lg_mutex_is_locked(&mutex));
    }
}

it("cond.wait without the mutex", "is refused", .procs = 1)
{
    CHECK_CODE(lg_cond_wait(&cond, &mutex, LG_NEVER), LG_EPERM);
    CHECK(!lg_mutex_is_locked(&mutex));
}

it("cond.signal", "wakes the first that waits, and one only", .procs = 2)
{
    start_waiters(rt, 10);
    for (int i = 0; i < 10; i++) {
        lg_cond_signal(&cond);
        SETTLE(n_done == i + 1);
        CHECK_INT(order[i], i);
        CHECK_INT(spec_waiting(rt, NULL), 9 - i);
    }
}

it("cond.signal with nobody waiting", "is not remembered", .procs = 1)
{
    lg_cond_signal(&cond);
    lg_cond_broadcast(&cond);
    CHECK_OK(lg_mutex_lock(&mutex, 0));
    CHECK_CODE(lg_cond_wait(&cond, &mutex, spec_ms(rt, 1)), LG_ETIMEDOUT);
    CHECK_OK(lg_mutex_unlock(&mutex));
}

// Few enough for the check build's tiny ring: a full one moves its older half
// to the global queue, behind the newer.
it("cond.broadcast", "wakes all, in the order they came", .procs = 1)
{
    start_waiters(rt, 3);
    lg_cond_broadcast(&cond);
    SETTLE(n_done == 3);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(order[i], i);
    }
}

it("cond.wait with deadline 0", "gives up with the mutex held", .procs = 1)
{
    CHECK_OK(lg_mutex_lock(&mutex, 0));
    CHECK_CODE(lg_cond_wait(&cond, &mutex, 0), LG_EAGAIN);
    CHECK(lg_mutex_is_locked(&mutex));
    CHECK_OK(lg_mutex_unlock(&mutex));
}

static void wait_in_vain(void *arg)
{
    int64_t deadline = arg ? spec_ms(lg_current(), 1) : LG_NEVER;
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    int err = lg_cond_wait(&cond, &mutex, deadline);
    CHECK_CODE(err, arg ? LG_ETIMEDOUT : LG_ECANCELED);
    n_done++; // holds the mutex
    CHECK_OK(lg_mutex_unlock(&mutex));
}

it("cond.wait that timed out or was canceled", "waits for the mutex before it returns",
   .procs = 2)
{
    lg_ref canceled = spec_go(rt, wait_in_vain, NULL);
    SETTLE(spec_is_waiting(rt, canceled) && !lg_mutex_is_locked(&mutex));
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    CHECK_OK(lg_cancel(canceled));
    SETTLE(spec_waiting(rt, "mutex lock") == 1 || spec_is_waiting(rt, canceled));
    CHECK_INT(n_done, 0);
    CHECK_OK(lg_mutex_unlock(&mutex));
    SETTLE(n_done == 1);
    spec_go(rt, wait_in_vain, rt);
    SETTLE(n_done == 2);
    lg_cond_signal(&cond); // nobody
    SETTLE(!lg_mutex_is_locked(&mutex));
}

// A bounded buffer by hand: the classic use.
enum { PLACES = 4 };

static lg_cond is_filled;
static lg_cond is_emptied;
static int places[PLACES];
static int n_places;
static int n_items;
static _Atomic int64_t sum;

static void put_items(__attribute__((unused)) void *arg)
{
    for (int i = 1; i <= n_items; i++) {
        CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
        while (n_places == PLACES) {
            CHECK_OK(lg_cond_wait(&is_emptied, &mutex, LG_NEVER));
        }
        places[n_places++] = i;
        lg_cond_signal(&is_filled);
        CHECK_OK(lg_mutex_unlock(&mutex));
    }
    n_done++;
}

static void take_items(__attribute__((unused)) void *arg)
{
    for (int i = 0; i < n_items; i++) {
        CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
        while (n_places == 0) {
            CHECK_OK(lg_cond_wait(&is_filled, &mutex, LG_NEVER));
        }
        sum += places[--n_places];
        lg_cond_signal(&is_emptied);
        CHECK_OK(lg_mutex_unlock(&mutex));
    }
    n_done++;
}

it("cond in a bounded buffer on 4 Ps", "loses no wake-up", .procs = 4, .limit_s = 20)
{
    n_items = spec_rounds(20000);
    for (int i = 0; i < 4; i++) {
        spec_go(rt, put_items, NULL);
        spec_go(rt, take_items, NULL);
    }
    SETTLE(n_done == 8);
    CHECK_INT(sum, (int64_t)n_items * (n_items + 1) / 2 * 4);
}
