// SPDX-License-Identifier: MIT
//
// Figures against what the system says, and memory that goes back.
#include "mem/scavenge.h"
#include "sched/runtime.h"
#include "spec.h"

static lg_runtime *open_plain(int procs)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = procs;
    lg_runtime *rt = NULL;
    CHECK_OK(lg_open(&opts, &rt));
    return rt;
}

static int64_t backed_bytes(lg_runtime *rt)
{
    lg_stats s = spec_stats(rt);
    return (int64_t)(s.mem_objects + s.mem_unused + s.mem_idle + s.mem_meta +
                     s.mem_stacks);
}

enum { BLOCKS = 150000 };

static void *blocks[BLOCKS];
static int64_t resident_before;

static void check_figures(lg_runtime *rt)
{
    if (!spec_resident_is_ours()) {
        return;
    }
    int64_t resident = spec_resident_bytes() - resident_before;
    int64_t told = backed_bytes(rt);
    // 2 %, and what the C library and the specs themselves have touched.
    int64_t tolerance = resident / 50 + (256 << 10);
    CHECK_BETWEEN(told - resident, -tolerance, tolerance);
}

static _Atomic bool may_end;

static void stand(void *arg)
{
    (void)arg;
    while (!may_end) {
        lg_yield();
    }
}

static void load(void *arg)
{
    lg_runtime *rt = arg;
    struct spec_random random = spec_random_new(1);
    check_figures(rt);
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = spec_random_below(&random, i % 100 ? 600 : 60000);
        blocks[i] = lg_malloc(rt, size);
        memset(blocks[i], 1, lg_malloc_size(blocks[i])); // or pages stay untouched
    }
    check_figures(rt);
    for (int i = 0; i < BLOCKS; i++) {
        if (spec_random_below(&random, 10)) {
            lg_free(rt, blocks[i]);
            blocks[i] = NULL;
        }
    }
    check_figures(rt);
    for (int i = 0; i < 500; i++) {
        spec_go(rt, stand, NULL);
    }
    lg_yield();
    check_figures(rt);
    may_end = true;
    lg_mem_release(rt);
    check_figures(rt);
    lg_stats s = spec_stats(rt);
    CHECK_INT(s.mem_idle, 0);
    for (int i = 0; i < BLOCKS; i++) {
        lg_free(rt, blocks[i]);
    }
    check_figures(rt);
    CHECK_BETWEEN(lg_mem_release(rt), 1 << 20, INT64_MAX);
    check_figures(rt);
    lg__heap_verify(&rt->heap);
}

it("the figures of memory", "add up to what the system counts", .limit_s = 60)
{
    memset(blocks, 1, sizeof blocks);
    memset(blocks, 0, sizeof blocks);
    lg_runtime *warm = open_plain(1); // touches the C library's own
    may_end = true;
    CHECK_OK(lg_run(warm, stand, NULL));
    lg_close(warm);
    may_end = false;
    resident_before = spec_resident_bytes();
    lg_runtime *plain = open_plain(1);
    CHECK_OK(lg_run(plain, load, plain));
    lg_close(plain);
}

it("memory that nobody needs", "goes back by itself", .procs = 2, .limit_s = 30)
{
    for (int i = 0; i < 20000; i++) {
        blocks[i] = lg_malloc(rt, 1000);
        memset(blocks[i], 1, 1000);
    }
    CHECK_BETWEEN(spec_stats(rt).mem_objects, 20000000, INT64_MAX);
    for (int i = 0; i < 20000; i++) {
        lg_free(rt, blocks[i]);
    }
    SETTLE(spec_stats(rt).mem_idle <= (5 << 20) &&
           spec_stats(rt).mem_unused <= (2 << 20));
}

static _Atomic bool is_over;

static void release_often(void *arg)
{
    while (!is_over) {
        lg_mem_release(arg);
        lg_yield();
    }
}

it("memory given back while others allocate", "is never one that is used", .procs = 3,
   .limit_s = 60)
{
    spec_go(rt, release_often, rt);
    struct spec_random random = spec_random_new(2);
    enum { LIVE = 300 };
    static uint64_t *live[LIVE];
    int rounds = spec_rounds(100000);
    for (int i = 0; i < rounds; i++) {
        uint32_t at = spec_random_below(&random, LIVE);
        if (live[at]) {
            CHECK_INT(*live[at], at * 77);
            lg_free(rt, live[at]);
            live[at] = NULL;
        } else {
            live[at] = lg_malloc(rt, 8 + spec_random_below(&random, 40000));
            *live[at] = at * 77;
        }
    }
    is_over = true;
    for (int i = 0; i < LIVE; i++) {
        lg_free(rt, live[i]);
    }
    SETTLE(lg_num_goroutine(rt) == 1);
    lg__heap_verify(&rt->heap);
}
