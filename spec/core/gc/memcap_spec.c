// SPDX-License-Identifier: MIT
//
// The memory cap: what does not fit is refused, nothing ends, and when memory was freed the
// program goes on.
#include "nodes.h"

enum { MB = 1024 * 1024 };

static size_t total_bytes(lg_runtime *rt)
{
    lg_stats s = spec_stats(rt);
    return s.mem_objects + s.mem_unused + s.mem_idle + s.mem_meta + s.mem_stacks;
}

// A runtime whose memory is its own, not the harness's.
static lg_runtime *open_capped(int procs, int64_t cap_bytes)
{
    lg_options options;
    lg_options_init(&options);
    options.procs = procs;
    options.mem_cap_bytes = cap_bytes;
    lg_runtime *rt;
    CHECK_OK(lg_open(&options, &rt));
    return rt;
}

it("mem_cap", "is none by default, tells what it was, and refuses nonsense", .procs = 1)
{
    CHECK_INT(lg_mem_cap_get(rt), LG_MEM_NO_LIMIT);
    CHECK_INT(lg_mem_cap(rt, 100 * MB), LG_MEM_NO_LIMIT);
    CHECK_INT(lg_mem_cap_get(rt), 100 * MB);
    CHECK_INT(lg_mem_cap(rt, 0), LG_EINVAL);
    CHECK_INT(lg_mem_cap(rt, -1), LG_EINVAL);
    CHECK_INT(lg_mem_cap(rt, LG_MEM_NO_LIMIT), 100 * MB);
    CHECK_INT(lg_mem_cap_get(rt), LG_MEM_NO_LIMIT);
}

it("mem_cap", "counts as a soft limit a little below it", .procs = 1)
{
    lg_mem_cap(rt, 80 * MB);
    CHECK_INT(lg_mem_limit_get(rt), 70 * MB);
    CHECK_INT(lg_mem_limit(rt, 10 * MB), LG_MEM_NO_LIMIT);
    CHECK_INT(lg_mem_limit_get(rt), 10 * MB);
    lg_mem_cap(rt, LG_MEM_NO_LIMIT);
    CHECK_INT(lg_mem_limit_get(rt), 10 * MB);
}

it("an option out of range", "is refused")
{
    lg_options options;
    lg_options_init(&options);
    options.mem_cap_bytes = -1;
    CHECK_CODE(lg_open(&options, &rt), LG_EINVAL);
}

it("blocks beyond the cap", "are refused until some are freed")
{
    enum { BLOCKS = 1000, BLOCK_BYTES = 64 * 1024 };
    static void *blocks[BLOCKS];
    rt = open_capped(1, 32 * MB);
    int n = 0;
    while (n < BLOCKS && (blocks[n] = lg_malloc(rt, BLOCK_BYTES))) {
        n++;
    }
    CHECK_BETWEEN(n, 300, 32 * MB / BLOCK_BYTES);
    CHECK(total_bytes(rt) <= 32 * MB + MB / 2);
    CHECK(!lg_calloc(rt, 1, BLOCK_BYTES));
    CHECK(!lg_realloc(rt, blocks[0], MB));
    CHECK(!lg_malloc(rt, 1024 * (size_t)MB));
    for (int i = 0; i < n / 2; i++) {
        lg_free(rt, blocks[i]);
    }
    void *block = lg_malloc(rt, 4 * MB);
    CHECK(block);
    lg_free(rt, block);
    for (int i = n / 2; i < n; i++) {
        lg_free(rt, blocks[i]);
    }
    CHECK(total_bytes(rt) <= 32 * MB + MB / 2);
    lg_close(rt);
}

static lg_runtime *capped;
static int nrefused;

// Keeps all it can get, and lets go.
static __attribute__((noinline)) size_t fill_once(void)
{
    lg_type *type = node_type(capped);
    lg_handle *list = NULL;
    CHECK_OK(lg_handle_new(capped, NULL, &list));
    struct node_obj *node;
    size_t count = 0;
    while ((node = lg_new(type))) {
        node->number = count;
        node->seal = count ^ NODE_SEAL;
        lg_store(&node->refs[0], lg_handle_get(list));
        lg_handle_set(list, node);
        count++;
    }
    nrefused++;
    size_t found = 0;
    for (node = lg_handle_get(list); node; node = node->refs[0]) {
        node_check(node);
        found++;
    }
    CHECK_INT(found, count);
    // Old words on stacks may keep some node, but not what it referred to.
    for (node = lg_handle_get(list); node;) {
        struct node_obj *next = node->refs[0];
        lg_store(&node->refs[0], NULL);
        node = next;
    }
    lg_handle_free(list);
    return count;
}

static void fill_twice(__attribute__((unused)) void *arg)
{
    size_t first = fill_once();
    CHECK_OK(lg_gc(capped)); // by itself it comes, but not at once after the last one
    size_t second = fill_once();
    CHECK(first > 100000);
    CHECK(second > first / 4 * 3);
}

it("objects beyond the cap", "are refused, and granted again when others have gone",
   .limit_s = 60)
{
    capped = open_capped(1, 16 * MB);
    CHECK_OK(lg_run(capped, fill_twice, NULL));
    CHECK_INT(nrefused, 2);
    CHECK(total_bytes(capped) <= 17 * MB + MB / 8); // a sanitizer's stacks, too
    lg_close(capped);
}

static void litter_much(__attribute__((unused)) void *arg)
{
    lg_type *type = node_type(capped);
    for (int i = 0; i < 100; i++) {
        node_litter(type, 10000); // checks each
    }
    for (int i = 0; i < 100; i++) {
        CHECK(lg_new_bytes(capped, MB));
    }
}

it("garbage under a cap", "is collected before anything is refused", .limit_s = 60)
{
    for (int off = 0; off < 2; off++) {
        capped = open_capped(1, 16 * MB);
        if (off) {
            lg_gc_percent(capped, LG_GC_OFF);
        }
        CHECK_OK(lg_run(capped, litter_much, NULL));
        CHECK(gc_stats(capped).cycles > 0);
        CHECK(total_bytes(capped) <= 17 * MB);
        lg_close(capped);
    }
}

static void nothing(__attribute__((unused)) void *arg)
{
    lg_sleep_until(LG_NEVER);
}

static void start_many(__attribute__((unused)) void *arg)
{
    int n = 0;
    while (n < 100000 && lg_go(capped, nothing, NULL, NULL, NULL) == LG_OK) {
        n++;
        CHECK_OK(lg_yield());
    }
    CHECK(n > 100);
}

it("goroutines beyond the cap", "wait for a stack, or are refused", .limit_s = 60)
{
    capped = open_capped(1, 8 * MB);
    lg_run(capped, start_many, NULL);
    CHECK(total_bytes(capped) <= 10 * MB);
    lg_close(capped);
}

it("a cap below what a runtime takes", "fails to open one")
{
    lg_options options;
    lg_options_init(&options);
    for (int64_t cap = 1; cap < 4 * MB; cap = cap * 3 + 1) {
        options.mem_cap_bytes = cap;
        int err = lg_open(&options, &rt);
        CHECK(err == LG_OK || err == LG_ENOMEM);
        if (!err) {
            lg_close(rt);
        }
    }
}
