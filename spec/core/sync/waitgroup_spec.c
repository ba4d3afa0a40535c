// SPDX-License-Identifier: MIT
//
// Wait groups.
#include "spec.h"

static lg_waitgroup group;
static _Atomic int n_done;
static _Atomic int n_woken;

static void work(__attribute__((unused)) void *arg)
{
    n_done++;
    CHECK_OK(lg_waitgroup_add(&group, -1));
}

static void await(void *arg)
{
    CHECK_OK(lg_waitgroup_wait(&group, LG_NEVER));
    CHECK_INT(n_done, (intptr_t)arg);
    n_woken++;
}

it("waitgroup at zero", "does not wait", .procs = 1)
{
    CHECK_OK(lg_waitgroup_wait(&group, LG_NEVER));
    CHECK_OK(lg_waitgroup_wait(&group, 0));
}

it("waitgroup.add below zero or over 2^31 - 1", "is refused and changes nothing",
   .procs = 1)
{
    CHECK_CODE(lg_waitgroup_add(&group, -1), LG_EINVAL);
    CHECK_OK(lg_waitgroup_wait(&group, 0));
    CHECK_OK(lg_waitgroup_add(&group, 2));
    CHECK_CODE(lg_waitgroup_add(&group, -3), LG_EINVAL);
    CHECK_CODE(lg_waitgroup_add(&group, INT32_MAX), LG_EINVAL);
    CHECK_CODE(lg_waitgroup_add(&group, INT64_MAX), LG_EINVAL);
    CHECK_CODE(lg_waitgroup_add(&group, INT64_MIN), LG_EINVAL);
    CHECK_CODE(lg_waitgroup_wait(&group, 0), LG_EAGAIN);
    CHECK_OK(lg_waitgroup_add(&group, INT32_MAX - 2));
    CHECK_CODE(lg_waitgroup_add(&group, 1), LG_EINVAL);
    CHECK_OK(lg_waitgroup_add(&group, -INT32_MAX));
    CHECK_OK(lg_waitgroup_wait(&group, 0));
}

it("waitgroup.wait", "releases all who wait when the last is done", .procs = 4)
{
    int n = 2000;
    CHECK_OK(lg_waitgroup_add(&group, n));
    for (int i = 0; i < 10; i++) {
        spec_go(rt, await, (void *)(intptr_t)n);
    }
    SETTLE(spec_waiting(rt, NULL) == 10);
    for (int i = 0; i < n; i++) {
        spec_go(rt, work, NULL);
    }
    CHECK_OK(lg_waitgroup_wait(&group, LG_NEVER));
    CHECK_INT(n_done, n);
    SETTLE(n_woken == 10);
}

it("waitgroup", "may be used again and again", .procs = 4)
{
    int rounds = spec_rounds(2000);
    for (int round = 1; round <= rounds; round++) {
        CHECK_OK(lg_waitgroup_add(&group, 3));
        spec_go(rt, work, NULL);
        spec_go(rt, work, NULL);
        spec_go(rt, work, NULL);
        CHECK_OK(lg_waitgroup_wait(&group, LG_NEVER));
        CHECK_INT(n_done, round * 3);
    }
}

it("waitgroup.wait that timed out", "leaves the group whole", .procs = 1)
{
    CHECK_OK(lg_waitgroup_add(&group, 1));
    CHECK_CODE(lg_waitgroup_wait(&group, spec_ms(rt, 1)), LG_ETIMEDOUT);
    CHECK_OK(lg_waitgroup_add(&group, -1));
    CHECK_OK(lg_waitgroup_wait(&group, LG_NEVER));
}

// ---------------------------------------------------------------------------
// Up to a counter
// ---------------------------------------------------------------------------

static _Atomic int order[4];

static void await_at_most(void *arg)
{
    CHECK_OK(lg_waitgroup_wait_for(&group, (intptr_t)arg, LG_NEVER));
    order[(intptr_t)arg] = ++n_woken;
}

it("waitgroup.wait_for", "releases each as soon as the counter is there", .procs = 1)
{
    CHECK_OK(lg_waitgroup_add(&group, 5));
    CHECK_CODE(lg_waitgroup_wait_for(&group, 4, 0), LG_EAGAIN);
    CHECK_OK(lg_waitgroup_wait_for(&group, 5, 0));
    CHECK_CODE(lg_waitgroup_wait_for(&group, -1, LG_NEVER), LG_EINVAL);
    CHECK_CODE(lg_waitgroup_wait_for(&group, INT64_MIN, 0), LG_EINVAL);
    CHECK_OK(lg_waitgroup_wait_for(&group, INT64_MAX, LG_NEVER));
    for (intptr_t i = 0; i < 4; i++) {
        spec_go(rt, await_at_most, (void *)i);
    }
    SETTLE(spec_waiting(rt, "waitgroup wait") == 4);
    CHECK_OK(lg_waitgroup_add(&group, -1));
    CHECK_OK(lg_waitgroup_add(&group, 2));
    for (int left = 5; left >= 0; left--) {
        CHECK_OK(lg_waitgroup_add(&group, -1));
        SETTLE(n_woken == (left < 4 ? 4 - left : 0));
        CHECK_INT(spec_waiting(rt, "waitgroup wait"), left < 4 ? left : 4);
    }
    for (int i = 0; i < 4; i++) {
        CHECK_INT(order[i], 4 - i);
    }
}

it("waitgroup.wait_for that timed out", "leaves the others where they are", .procs = 1)
{
    CHECK_OK(lg_waitgroup_add(&group, 3));
    spec_go(rt, await_at_most, (void *)1);
    CHECK_CODE(lg_waitgroup_wait_for(&group, 2, spec_ms(rt, 1)), LG_ETIMEDOUT);
    CHECK_OK(lg_waitgroup_add(&group, -1));
    SETTLE(spec_waiting(rt, NULL) == 1);
    CHECK_OK(lg_waitgroup_add(&group, -1));
    SETTLE(n_woken == 1);
    CHECK_OK(lg_waitgroup_add(&group, -1));
}

// ---------------------------------------------------------------------------
// Goroutines that count
// ---------------------------------------------------------------------------

static void count_done(void *arg)
{
    CHECK_CODE(lg_waitgroup_wait(arg, 0), LG_EAGAIN);
    CHECK_OK(lg_yield());
    n_done++;
}

it("waitgroup_go", "counts until the function has returned", .procs = 4)
{
    int rounds = spec_rounds(300);
    for (int round = 1; round <= rounds; round++) {
        lg_waitgroup mine = {{0}};
        for (int i = 0; i < 10; i++) {
            lg_go_options opts = {.name = "counted"};
            CHECK_OK(lg_waitgroup_go(rt, &mine, count_done, &mine, i ? &opts : NULL));
        }
        CHECK_OK(lg_waitgroup_wait(&mine, LG_NEVER));
        memset(&mine, 0x5a, sizeof mine); // nobody looks at it any more
        CHECK_INT(n_done, round * 10);
    }
}

it("waitgroup_go that is refused", "counts nothing", .procs = 1)
{
    lg_go_options opts = {.stack_size_bytes = (size_t)LG_STACK_MAX + 1};
    CHECK_CODE(lg_waitgroup_go(rt, &group, count_done, NULL, &opts), LG_EINVAL);
    CHECK_OK(lg_waitgroup_wait(&group, 0));
    CHECK_OK(lg_waitgroup_add(&group, INT32_MAX));
    CHECK_CODE(lg_waitgroup_go(rt, &group, count_done, NULL, NULL), LG_EINVAL);
    CHECK_OK(lg_waitgroup_add(&group, -INT32_MAX));
    CHECK_INT(n_done, 0);
}

static void go_and_poll(void *arg)
{
    CHECK_OK(lg_waitgroup_wait(&group, LG_NEVER));
    (void)arg;
}

it("a host's thread", "starts goroutines that count, asks, and counts down")
{
    lg_runtime *rt_here = spec_open(2);
    CHECK_OK(lg_waitgroup_add(&group, 1));
    CHECK_OK(lg_waitgroup_go(rt_here, &group, count_done, &group, NULL));
    CHECK_CODE(lg_waitgroup_wait_for(&group, 0, 0), LG_EAGAIN);
    CHECK_OK(lg_waitgroup_add(&group, -1));
    spec_main(rt_here, go_and_poll, NULL);
    CHECK_OK(lg_waitgroup_wait_for(&group, 0, 0));
    CHECK_INT(n_done, 1);
}
