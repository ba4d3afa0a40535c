// SPDX-License-Identifier: MIT
//
// Mutexes.
#include "spec.h"

static lg_mutex mutex;
static int64_t guarded; // no atomic: the mutex is what is looked at
static int n_rounds;
static _Atomic int n_done;
static int order[32];
static int n_order;

static void lock_in_turn(void *arg)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    order[n_order++] = (int)(intptr_t)arg;
    CHECK_OK(lg_yield()); // the next one still waits
    CHECK_OK(lg_mutex_unlock(&mutex));
    n_done++;
}

it("mutex", "is free when it is zero bytes, and is held once locked", .procs = 1)
{
    CHECK(!lg_mutex_is_locked(&mutex));
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    CHECK(lg_mutex_is_locked(&mutex));
    CHECK_CODE(lg_mutex_lock(&mutex, 0), LG_EAGAIN);
    CHECK_CODE(lg_mutex_lock(&mutex, spec_ms(rt, 1)), LG_ETIMEDOUT);
    CHECK_OK(lg_mutex_unlock(&mutex));
    CHECK(!lg_mutex_is_locked(&mutex));
    CHECK_OK(lg_mutex_lock(&mutex, 0));
    CHECK_OK(lg_mutex_unlock(&mutex));
}

it("mutex.unlock of a free mutex", "is refused and harms nothing", .procs = 1)
{
    CHECK_CODE(lg_mutex_unlock(&mutex), LG_EPERM);
    CHECK_OK(lg_mutex_lock(&mutex, 0));
    CHECK_OK(lg_mutex_unlock(&mutex));
    CHECK_CODE(lg_mutex_unlock(&mutex), LG_EPERM);
}

static void unlock_it(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_mutex_unlock(&mutex));
    n_done++;
}

it("mutex.unlock", "may be another goroutine's, as in Go", .procs = 2)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    spec_go(rt, unlock_it, NULL);
    SETTLE(n_done == 1);
    CHECK(!lg_mutex_is_locked(&mutex));
}

it("mutex.lock", "serves those who wait first come, first served", .procs = 2)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    for (intptr_t i = 0; i < 20; i++) {
        lg_ref ref = spec_go(rt, lock_in_turn, (void *)i);
        SETTLE(spec_is_waiting(rt, ref));
    }
    CHECK_OK(lg_mutex_unlock(&mutex));
    SETTLE(n_done == 20);
    for (int i = 0; i < 20; i++) {
        CHECK_INT(order[i], i);
    }
    CHECK(!lg_mutex_is_locked(&mutex));
}

it("mutex.lock of a mutex that others wait for", "does not overtake them on one P",
   .procs = 1)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    lg_ref ref = spec_go(rt, lock_in_turn, (void *)1);
    SETTLE(spec_is_waiting(rt, ref));
    CHECK_OK(lg_mutex_unlock(&mutex)); // handed over: the other has not run yet
    CHECK(lg_mutex_is_locked(&mutex));
    CHECK_CODE(lg_mutex_lock(&mutex, 0), LG_EAGAIN);
    SETTLE(n_done == 1);
}

static void lock_and_fail(void *arg)
{
    int64_t deadline = arg ? spec_ms(lg_current(), 1) : LG_NEVER;
    CHECK_CODE(lg_mutex_lock(&mutex, deadline), arg ? LG_ETIMEDOUT : LG_ECANCELED);
    n_done++;
}

it("mutex.lock that timed out or was canceled", "leaves the queue to the others",
   .procs = 2)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    lg_ref canceled = spec_go(rt, lock_and_fail, NULL);
    SETTLE(spec_is_waiting(rt, canceled));
    lg_ref timed = spec_go(rt, lock_and_fail, rt);
    lg_ref last = spec_go(rt, lock_in_turn, (void *)3);
    SETTLE(spec_is_waiting(rt, last));
    CHECK_OK(lg_cancel(canceled));
    SETTLE(n_done == 2);
    SETTLE(lg_cancel(timed) == LG_ESRCH);
    CHECK_OK(lg_mutex_unlock(&mutex));
    SETTLE(n_done == 3);
    CHECK_INT(order[0], 3);
    CHECK(!lg_mutex_is_locked(&mutex));
}

static void count_up(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)arg);
    for (int i = 0; i < n_rounds;) {
        int64_t deadline = LG_NEVER;
        uint32_t choice = spec_random_below(&random, 8);
        if (choice == 0) {
            deadline = 0;
        } else if (choice == 1) {
            deadline = lg_now(lg_current()) + spec_random_below(&random, 3000);
        }
        if (lg_mutex_lock(&mutex, deadline) != LG_OK) {
            continue;
        }
        int64_t before = guarded;
        if (choice == 2) {
            CHECK_OK(lg_yield());
        }
        guarded = before + 1;
        i++;
        CHECK_OK(lg_mutex_unlock(&mutex));
    }
    n_done++;
}

it("mutex on 4 Ps", "lets one in at a time", .procs = 4, .limit_s = 20)
{
    n_rounds = spec_rounds(20000);
    for (intptr_t i = 0; i < 8; i++) {
        spec_go(rt, count_up, (void *)i);
    }
    SETTLE(n_done == 8);
    CHECK_INT(guarded, (int64_t)8 * n_rounds);
    CHECK(!lg_mutex_is_locked(&mutex));
}
