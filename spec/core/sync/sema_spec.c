// SPDX-License-Identifier: MIT
//
// Weighted semaphores.
#include "spec.h"

static lg_semaphore sema;
static _Atomic int n_done;
static _Atomic int turn;
static int turns[16];
static _Atomic int64_t in_use;
static int n_rounds;

struct request {
    int64_t units;
    int number;
};

static void acquire(void *arg)
{
    const struct request *request = arg;
    CHECK_OK(lg_semaphore_acquire(&sema, request->units, LG_NEVER));
    turns[request->number] = ++turn;
    n_done++;
}

static void go_and_wait(lg_runtime *rt, struct request *request)
{
    lg_ref ref = spec_go(rt, acquire, request);
    SETTLE(spec_is_waiting(rt, ref));
}

it("semaphore.init", "refuses negative units and more than 2^31 - 1", .procs = 1)
{
    CHECK_CODE(lg_semaphore_init(&sema, -1), LG_EINVAL);
    CHECK_CODE(lg_semaphore_init(&sema, (int64_t)INT32_MAX + 1), LG_EINVAL);
    CHECK_OK(lg_semaphore_init(&sema, 0));
    CHECK_CODE(lg_semaphore_acquire(&sema, 1, 0), LG_EINVAL); // more than it has
    sema = (lg_semaphore){0};
    CHECK_OK(lg_semaphore_init(&sema, INT32_MAX));
    CHECK_OK(lg_semaphore_acquire(&sema, INT32_MAX, 0));
}

it("semaphore", "gives out what it has", .procs = 1)
{
    CHECK_OK(lg_semaphore_init(&sema, 5));
    CHECK_OK(lg_semaphore_acquire(&sema, 2, 0));
    CHECK_OK(lg_semaphore_acquire(&sema, 3, LG_NEVER));
    CHECK_CODE(lg_semaphore_acquire(&sema, 1, 0), LG_EAGAIN);
    CHECK_CODE(lg_semaphore_acquire(&sema, 1, spec_ms(rt, 1)), LG_ETIMEDOUT);
    CHECK_OK(lg_semaphore_release(&sema, 1));
    CHECK_OK(lg_semaphore_acquire(&sema, 1, 0));
    CHECK_OK(lg_semaphore_release(&sema, 5));
    CHECK_OK(lg_semaphore_acquire(&sema, 5, 0));
}

it("semaphore with units that make no sense", "refuses and changes nothing", .procs = 1)
{
    CHECK_OK(lg_semaphore_init(&sema, 3));
    CHECK_CODE(lg_semaphore_acquire(&sema, 0, 0), LG_EINVAL);
    CHECK_CODE(lg_semaphore_acquire(&sema, -1, 0), LG_EINVAL);
    CHECK_CODE(lg_semaphore_acquire(&sema, 4, LG_NEVER), LG_EINVAL);
    CHECK_CODE(lg_semaphore_acquire(&sema, INT64_MAX, LG_NEVER), LG_EINVAL);
    CHECK_CODE(lg_semaphore_release(&sema, 1), LG_EINVAL);
    CHECK_OK(lg_semaphore_acquire(&sema, 2, 0));
    CHECK_CODE(lg_semaphore_release(&sema, 3), LG_EINVAL);
    CHECK_CODE(lg_semaphore_release(&sema, 0), LG_EINVAL);
    CHECK_CODE(lg_semaphore_release(&sema, -1), LG_EINVAL);
    CHECK_CODE(lg_semaphore_release(&sema, INT64_MAX), LG_EINVAL);
    CHECK_OK(lg_semaphore_acquire(&sema, 1, 0));
    CHECK_CODE(lg_semaphore_acquire(&sema, 1, 0), LG_EAGAIN);
    CHECK_OK(lg_semaphore_release(&sema, 3));
}

it("semaphore.acquire", "lets no small request overtake a large one", .procs = 2)
{
    static struct request requests[] = {{4, 0}, {1, 1}, {1, 2}};
    CHECK_OK(lg_semaphore_init(&sema, 5));
    CHECK_OK(lg_semaphore_acquire(&sema, 3, 0));
    for (int i = 0; i < 3; i++) {
        go_and_wait(rt, &requests[i]);
    }
    CHECK_CODE(lg_semaphore_acquire(&sema, 1, 0), LG_EAGAIN); // two are free
    CHECK_OK(lg_semaphore_release(&sema, 1));
    CHECK_INT(spec_waiting(rt, NULL), 3);
    CHECK_OK(lg_semaphore_release(&sema, 1));
    SETTLE(n_done == 1); // 4 of 5
    CHECK_OK(lg_semaphore_release(&sema, 1));
    SETTLE(n_done == 2);
    CHECK_OK(lg_semaphore_release(&sema, 1));
    SETTLE(n_done == 3);
    CHECK_INT(turns[0], 1);
    CHECK_INT(turns[1], 2);
    CHECK_INT(turns[2], 3);
}

static void acquire_in_vain(void *arg)
{
    int64_t deadline = arg ? spec_ms(lg_current(), 1) : LG_NEVER;
    int err = lg_semaphore_acquire(&sema, 5, deadline);
    CHECK_CODE(err, arg ? LG_ETIMEDOUT : LG_ECANCELED);
    n_done++;
}

it("semaphore.acquire that was canceled or timed out", "lets those behind it go on",
   .procs = 2)
{
    static struct request small[] = {{2, 0}, {2, 1}};
    CHECK_OK(lg_semaphore_init(&sema, 5));
    CHECK_OK(lg_semaphore_acquire(&sema, 1, 0));
    lg_ref large = spec_go(rt, acquire_in_vain, NULL);
    SETTLE(spec_is_waiting(rt, large));
    go_and_wait(rt, &small[0]);
    go_and_wait(rt, &small[1]);
    CHECK_OK(lg_cancel(large));
    SETTLE(n_done == 3);
    CHECK_OK(lg_semaphore_release(&sema, 4));
    spec_go(rt, acquire_in_vain, rt);
    SETTLE(n_done == 4);
    CHECK_OK(lg_semaphore_acquire(&sema, 4, 0));
}

static void use_some(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)arg);
    for (int i = 0; i < n_rounds; i++) {
        int64_t units = 1 + spec_random_below(&random, 7);
        int64_t deadline = LG_NEVER;
        if (spec_random_below(&random, 4) == 0) {
            deadline = lg_now(lg_current()) + spec_random_below(&random, 4000);
        }
        if (lg_semaphore_acquire(&sema, units, deadline) != LG_OK) {
            continue;
        }
        CHECK_BETWEEN(atomic_fetch_add(&in_use, units) + units, 1, 7);
        CHECK_OK(lg_yield());
        in_use -= units;
        CHECK_OK(lg_semaphore_release(&sema, units));
    }
    n_done++;
}

it("semaphore on 4 Ps", "never gives out more than it has", .procs = 4, .limit_s = 20)
{
    n_rounds = spec_rounds(5000);
    CHECK_OK(lg_semaphore_init(&sema, 7));
    for (intptr_t i = 0; i < 10; i++) {
        spec_go(rt, use_some, (void *)i);
    }
    SETTLE(n_done == 10);
    CHECK_OK(lg_semaphore_acquire(&sema, 7, 0));
}
