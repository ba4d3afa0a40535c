// SPDX-License-Identifier: MIT
//
// Who waits for the collector, and does not see the end of it: its strand is closed, or
// there is no memory left to wait in.
#include "gc/gc.h"
#include "nodes.h"
#include "os/cpu.h"
#include "spec.h"

enum { MB = 1024 * 1024, CAP_BYTES = 24 * MB, BLOCK_BYTES = 64 * 1024 };

static lg_runtime *host;

static lg_runtime *open_capped(void)
{
    lg_options options;
    lg_options_init(&options);
    options.procs = 1;
    options.mem_cap_bytes = CAP_BYTES;
    CHECK_OK(lg_open(&options, &host));
    return host;
}

static int collect_or_end(lg_strand *strand, lg_g *g, void *extra, bool has_wait)
{
    (void)strand, (void)g, (void)has_wait;
    if (*(int *)extra) {
        CHECK_OK(lg_gc(host));
    }
    return LG_OK;
}

static const lg_strand_ops collecting = {.resume = collect_or_end};

static lg_ref start(lg_strand *strand, bool collects)
{
    lg_ref ref;
    void *extra = NULL;
    CHECK_OK(lg_strand_go(strand, NULL, &ref, &extra));
    *(int *)extra = collects;
    return ref;
}

static void collect(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_gc(host));
}

it("lg_gc() of a goroutine whose strand is closed",
   "leaves nothing that a cycle would wake")
{
    for (int i = 0; i < 10; i++) {
        host = spec_open(1);
        lg_strand *strand;
        CHECK_OK(lg_strand_open(host, &collecting, NULL, &strand));
        start(strand, true);
        start(strand, true);
        CHECK_OK(lg_drive(host, start(strand, false)));
        lg_strand_close(strand);
        CHECK(!host->gc || lg__list_is_empty(&host->gc->stages.waiters));
        spec_main(host, collect, NULL);
        spec_close(host);
    }
}

static void **fill(lg_runtime *rt)
{
    void **last = NULL;
    for (void **block; (block = lg_malloc(rt, BLOCK_BYTES));) {
        *block = last;
        last = block;
    }
    for (void **block; (block = lg_malloc(rt, sizeof *block));) {
        *block = last;
        last = block;
    }
    return last;
}

static void empty(lg_runtime *rt, void **last)
{
    while (last) {
        void **block = last;
        last = *block;
        lg_free(rt, block);
    }
}

static int collect_at_cap(lg_strand *strand, lg_g *g, void *extra, bool has_wait)
{
    (void)strand, (void)g, (void)extra, (void)has_wait;
    void **blocks = fill(host);
    CHECK_OK(lg_gc(host));
    empty(host, blocks);
    return LG_OK;
}

static const lg_strand_ops filling = {.resume = collect_at_cap};

it("lg_gc() of a scripted goroutine at the cap", "collects", .limit_s = 30)
{
    lg_strand *strand;
    CHECK_OK(lg_strand_open(open_capped(), &filling, NULL, &strand));
    for (int i = 0; i < 3; i++) {
        CHECK_OK(lg_drive(host, start(strand, true)));
    }
    lg_strand_close(strand);
    lg_close(host);
}

static lg_waitgroup ended;

static void end(void *arg)
{
    lg_waitgroup_add(arg, -1);
}

static void wait_at_cap(__attribute__((unused)) void *arg)
{
    for (int i = 0; i < 10; i++) {
        lg_waitgroup_add(&ended, 1);
        CHECK_OK(lg_go(host, end, &ended, NULL, NULL));
    }
    void **blocks = fill(host);
    CHECK_OK(lg_waitgroup_wait(&ended, LG_NEVER));
    empty(host, blocks);
}

it("goroutines that found no stack under the cap", "get one when all others wait",
   .limit_s = 30)
{
    open_capped();
    CHECK_OK(lg_run(host, wait_at_cap, NULL));
    lg_close(host);
}

static void sleep_on(__attribute__((unused)) void *arg)
{
    lg_sleep_until(lg_now(host) + 3600 * (int64_t)1000000000);
}

it("goroutines that found no stack under the cap", "get one while others sleep",
   .limit_s = 30)
{
    open_capped();
    CHECK_OK(lg_set_procs(host, 2));
    CHECK_OK(lg_go(host, sleep_on, NULL, NULL, NULL));
    CHECK_OK(lg_run(host, wait_at_cap, NULL));
    lg_close(host);
}

// ---------------------------------------------------------------------------
// Two that collect, and the coordinator cannot be started
// ---------------------------------------------------------------------------

enum { KEPT_NODES = 200 * 1000 };

static _Atomic bool is_scarce;  // there is no memory from the host
static _Atomic bool must_join;  // the first one is about to start the coordinator
static _Atomic bool is_started; // or it would be
static _Atomic bool has_joined;

static size_t count_waiting(struct gc *gc)
{
    size_t n = 0;
    lg__lock(&gc->lock, RANK_GC);
    for (struct node *at = gc->stages.waiters.first; at; at = at->next) {
        n++;
    }
    lg__unlock(&gc->lock, RANK_GC);
    return n;
}

// Refuses the record of the coordinator's goroutine when the second one waits for it, too.
static void *refuse_late(void *ud, void *ptr, size_t osize, size_t nsize)
{
    if (nsize > 0 && atomic_load(&is_scarce)) {
        if (atomic_load(&must_join) && !atomic_exchange(&is_started, true)) {
            while (count_waiting(host->gc) < 2) {
                lg__cpu_pause();
            }
        }
        return NULL;
    }
    return spec_realloc(ud, ptr, osize, nsize);
}

static void collect_whole(void)
{
    uint64_t cycles = gc_stats(host).cycles;
    int err = lg_gc(host);
    CHECK(err == LG_OK || err == LG_ENOMEM);
    CHECK(err == LG_ENOMEM || gc_stats(host).cycles > cycles);
}

static void join(__attribute__((unused)) void *arg)
{
    while (!atomic_load(&must_join)) {
        lg_yield();
    }
    collect_whole();
    atomic_store(&has_joined, true);
}

static void rest_until_joined(__attribute__((unused)) void *arg)
{
    while (!atomic_load(&has_joined)) {
        lg_yield();
    }
}

static void collect_first(__attribute__((unused)) void *arg)
{
    lg_gc_percent(host, LG_GC_OFF);
    struct node_obj *kept = node_list(node_type(host), KEPT_NODES);
    CHECK_OK(lg_go(host, join, NULL, NULL, NULL));
    lg_yield();
    atomic_store(&is_scarce, true);
    while (lg_go(host, rest_until_joined, NULL, NULL, NULL) == LG_OK) {
    }
    atomic_store(&must_join, true);
    collect_whole();
    atomic_store(&is_scarce, false);
    rest_until_joined(NULL);
    node_check(kept);
}

it("lg_gc() that joins one whose coordinator cannot be started",
   "returns LG_OK only when a cycle is over")
{
    static struct spec_memory memory;
    lg_options options;
    lg_options_init(&options);
    options.procs = 2;
    options.alloc = refuse_late;
    options.alloc_ud = &memory;
    host = spec_open_with(&options);
    spec_main(host, collect_first, NULL);
}
