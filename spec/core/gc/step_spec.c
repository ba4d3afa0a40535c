// SPDX-License-Identifier: MIT
#include "nodes.h"

#include <pthread.h>

enum { COUNT = 40000, STRAY = 100 }; // 1.6 MB, and what old words may keep

static lg_gc_report report;

static int step(lg_runtime *rt, int64_t budget_ns)
{
    memset(&report, 0, sizeof report);
    report.size_bytes = sizeof report;
    return lg_gc_step(rt, budget_ns, &report);
}

static void litter(void *arg)
{
    // The release build's heap is collected from 8 MB on, at 100 %.
    for (int i = 0; i < 10; i++) {
        node_litter(node_type(arg), COUNT);
    }
}

// A runtime of one P whose cycles nothing begins but steps and lg_gc().
static lg_runtime *open_manual(int procs)
{
    lg_options options;
    lg_options_init(&options);
    options.procs = procs;
    options.gc_percent = LG_GC_OFF;
    return spec_open_with(&options);
}

static size_t nalive(lg_runtime *rt)
{
    lg_gc_stats stats = gc_stats(rt);
    return (size_t)(stats.allocated - stats.freed);
}

it("lg_gc_step of a fresh runtime", "has nothing to do")
{
    rt = spec_open(1);
    CHECK_OK(step(rt, LG_NEVER));
    CHECK_INT(report.cycles, 0);
    CHECK(!report.is_cycling);
    CHECK_OK(lg_gc_step(rt, LG_NEVER, NULL));
}

it("lg_gc_step with a negative budget", "is refused")
{
    rt = spec_open(1);
    CHECK_CODE(step(rt, -1), LG_EINVAL);
}

it("lg_gc_step by the host's thread", "takes a whole cycle, if it has the time")
{
    rt = open_manual(1);
    spec_main(rt, litter, rt);
    CHECK(nalive(rt) >= 10 * COUNT);
    CHECK_OK(step(rt, LG_NEVER));
    CHECK_INT(report.cycles, 1);
    CHECK(report.swept_bytes >= (size_t)9 * COUNT * sizeof(struct node_obj));
    CHECK(report.spent_ns >= report.longest_ns);
    CHECK(report.longest_ns > 0);
    CHECK(nalive(rt) < STRAY);
    CHECK_INT(gc_stats(rt).cycles, 1);
    CHECK_OK(step(rt, LG_NEVER));
    CHECK_INT(report.cycles, 0);
}

it("lg_gc_step by the host's thread", "moves a cycle on bit by bit")
{
    rt = open_manual(1);
    spec_main(rt, litter, rt);
    int nsteps = 1;
    while (step(rt, 20000) == LG_EAGAIN) {
        CHECK(report.is_cycling);
        nsteps++;
        CHECK(nsteps < 1000000);
    }
    CHECK(!report.is_cycling);
    CHECK(nsteps > 3);
    CHECK(nalive(rt) < STRAY);
}

static lg_runtime *kept_in;
static lg_handle *kept;

static void keep(__attribute__((unused)) void *arg)
{
    struct node_obj *list = node_list(node_type(kept_in), COUNT);
    CHECK_OK(lg_handle_new(kept_in, list, &kept));
}

static void check_kept(__attribute__((unused)) void *arg)
{
    size_t count = 0;
    for (struct node_obj *at = lg_handle_get(kept); at; at = at->refs[0]) {
        node_check(at);
        count++;
    }
    CHECK_INT(count, COUNT);
}

it("goroutines that run between two steps", "find all that they hold")
{
    rt = kept_in = open_manual(1);
    spec_main(rt, keep, NULL);
    for (int i = 0; i < 3; i++) {
        spec_main(rt, litter, rt);
        while (step(rt, 50000) == LG_EAGAIN) {
            spec_main(rt, check_kept, NULL);
        }
    }
    spec_main(rt, check_kept, NULL);
    lg_handle_free(kept);
    CHECK(gc_stats(rt).cycles >= 3);
}

it("a cycle that a step has begun", "is not moved on by goroutines without a percentage")
{
    rt = kept_in = open_manual(1);
    spec_main(rt, keep, NULL);
    spec_main(rt, litter, rt);
    while (step(rt, 1) == LG_EAGAIN && report.marked_bytes == 0) {
    }
    CHECK(report.is_cycling);
    for (int i = 0; i < 20; i++) {
        spec_main(rt, check_kept, NULL);
    }
    CHECK_INT(gc_stats(rt).cycles, 0);
    CHECK_CODE(step(rt, 0), LG_EAGAIN);
    CHECK_OK(step(rt, LG_NEVER));
    CHECK_INT(gc_stats(rt).cycles, 1);
    lg_handle_free(kept);
}

static void collect(void *arg)
{
    CHECK_OK(lg_gc(arg));
}

it("lg_gc() while a cycle of steps is under way", "ends that one and takes its own")
{
    rt = kept_in = open_manual(1);
    spec_main(rt, keep, NULL);
    spec_main(rt, litter, rt);
    CHECK_CODE(step(rt, 1), LG_EAGAIN);
    spec_main(rt, collect, rt);
    CHECK_BETWEEN(gc_stats(rt).cycles, 1, 3);
    CHECK_OK(step(rt, LG_NEVER));
    lg_handle_free(kept);
}

static void set_flag(void *arg)
{
    atomic_store((_Atomic bool *)arg, true);
}

it("lg_gc_step by the host's thread", "runs no goroutine")
{
    static _Atomic bool has_run;
    rt = open_manual(1);
    spec_main(rt, litter, rt);
    lg_ref ref = spec_go(rt, set_flag, &has_run);
    CHECK_OK(step(rt, LG_NEVER));
    CHECK_INT(report.cycles, 1);
    CHECK(!atomic_load(&has_run));
    CHECK_OK(lg_drive(rt, ref));
    CHECK(atomic_load(&has_run));
}

static void step_inside(void *arg)
{
    struct node_obj *list = node_list(node_type(arg), COUNT);
    litter(arg);
    CHECK_OK(step(arg, LG_NEVER));
    CHECK_INT(report.cycles, 1);
    for (struct node_obj *at = list; at; at = at->refs[0]) {
        node_check(at);
    }
}

it("lg_gc_step by a goroutine", "takes a whole cycle, if it has the time")
{
    rt = open_manual(1);
    spec_main(rt, step_inside, rt);
    CHECK_OK(step(rt, LG_NEVER));
}

it("a cycle that a step has begun", "ends by itself where there is a percentage")
{
    rt = kept_in = open_manual(1);
    spec_main(rt, keep, NULL);
    spec_main(rt, litter, rt);
    lg_gc_percent(rt, 1000000); // due only by steps
    while (step(rt, 1000) == LG_EAGAIN) {
        spec_main(rt, check_kept, NULL);
        lg_gc_stats stats = gc_stats(rt);
        if (stats.cycles > 0) {
            break;
        }
    }
    lg_handle_free(kept);
    CHECK_OK(step(rt, LG_NEVER));
}

static lg_runtime *driven;
static _Atomic int step_result;

static void *step_meanwhile(__attribute__((unused)) void *arg)
{
    atomic_store(&step_result, lg_gc_step(driven, 1000, NULL));
    return NULL;
}

static void let_another_step(__attribute__((unused)) void *arg)
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, step_meanwhile, NULL), 0);
    pthread_join(thread, NULL);
}

it("lg_gc_step while another thread drives", "says so")
{
    driven = rt = spec_open(1);
    spec_main(rt, let_another_step, NULL);
    CHECK_CODE(atomic_load(&step_result), LG_EBUSY);
}

// -- several Ps --

static lg_waitgroup all;

static void churn(void *arg)
{
    lg_runtime *mine = arg;
    lg_type *type = node_type(mine);
    struct node_obj *list = NULL;
    for (int i = 0; i < spec_rounds(100); i++) {
        list = node_list(type, 300);
        node_litter(type, 300);
        if (i % 7 == 0) {
            int err = lg_gc_step(mine, 100000, NULL);
            CHECK(err == LG_OK || err == LG_EAGAIN);
        } else if (i % 40 == 1) {
            CHECK_OK(lg_gc(mine));
        }
        for (struct node_obj *at = list; at; at = at->refs[0]) {
            node_check(at);
        }
        CHECK_OK(lg_yield());
    }
    lg_keep_alive(list);
    lg_waitgroup_add(&all, -1);
}

static void churn_all(void *arg)
{
    enum { GOROUTINES = 8 };
    lg_waitgroup_add(&all, GOROUTINES);
    for (int i = 0; i < GOROUTINES; i++) {
        spec_go(arg, churn, arg);
    }
    CHECK_OK(lg_waitgroup_wait(&all, LG_NEVER));
}

it("steps by many goroutines at once, beside lg_gc()", "lose nothing", .limit_s = 60)
{
    for (int manual = 0; manual < 2; manual++) {
        rt = manual ? open_manual(4) : spec_open(4);
        spec_main(rt, churn_all, rt);
        for (int i = 0; i < 100 && lg_gc_step(rt, 1000000, NULL) != LG_OK; i++) {
        }
        spec_close(rt);
    }
}
