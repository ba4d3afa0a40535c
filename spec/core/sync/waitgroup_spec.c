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
