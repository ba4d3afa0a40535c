// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "nodes.h"

enum { COUNT = 1000, STRAY = 20 }; // objects that old words on the stack may keep

// Makes nodes below a frame that is gone when it returns; their first is the result.
static __attribute__((noinline)) struct node_obj *below(lg_type *type)
{
    struct node_obj *list = node_list(type, COUNT);
    node_scrub();
    return list;
}

it("gc", "frees what nothing refers to", .procs = 1)
{
    lg_type *type = node_type(rt);
    size_t before = live_objects(rt);
    node_litter(type, COUNT);
    CHECK_BETWEEN(live_objects(rt), before, before + STRAY);
}

it("gc", "keeps what a goroutine's stack refers to", .procs = 1)
{
    struct node_obj *list = below(node_type(rt));
    CHECK(live_objects(rt) >= COUNT);
    for (struct node_obj *at = list; at; at = at->refs[0]) {
        node_check(at);
    }
}

it("gc", "keeps what a pointer into an object refers to", .procs = 1)
{
    struct node_obj *list = below(node_type(rt));
    uint64_t *inside = &list->seal;
    list = NULL;
    lg_keep_alive(list);
    CHECK(live_objects(rt) >= COUNT);
    node_check((struct node_obj *)((char *)inside - offsetof(struct node_obj, seal)));
}

static lg_chan *parked_ready;
static lg_chan *parked_go;

static void hold_on_stack(void *arg)
{
    struct node_obj *list = below(arg);
    CHECK_OK(lg_chan_send(parked_ready, &(int){0}, LG_NEVER));
    CHECK_OK(lg_chan_recv(parked_go, NULL, LG_NEVER));
    uint64_t count = 0;
    for (struct node_obj *at = list; at; at = at->refs[0]) {
        node_check(at);
        count++;
    }
    CHECK_INT(count, COUNT);
    CHECK_OK(lg_chan_send(parked_ready, &(int){0}, LG_NEVER));
}

it("gc", "keeps what parked goroutines hold", .procs = 2)
{
    enum { GOROUTINES = 20 };
    parked_ready = spec_chan(rt, sizeof(int), 0);
    parked_go = spec_chan(rt, sizeof(int), 0);
    for (int i = 0; i < GOROUTINES; i++) {
        spec_go(rt, hold_on_stack, node_type(rt));
    }
    for (int i = 0; i < GOROUTINES; i++) {
        CHECK_OK(lg_chan_recv(parked_ready, NULL, LG_NEVER));
    }
    CHECK(live_objects(rt) >= (size_t)GOROUTINES * COUNT);
    CHECK(live_objects(rt) >= (size_t)GOROUTINES * COUNT);
    for (int i = 0; i < GOROUTINES; i++) {
        CHECK_OK(lg_chan_send(parked_go, &(int){0}, LG_NEVER));
    }
    for (int i = 0; i < GOROUTINES; i++) {
        CHECK_OK(lg_chan_recv(parked_ready, NULL, LG_NEVER));
    }
    lg_chan_free(parked_ready);
    lg_chan_free(parked_go);
}

it("gc", "keeps what a handle holds, and frees it with the handle", .procs = 1)
{
    lg_type *type = node_type(rt);
    lg_handle *handle;
    CHECK_OK(lg_handle_new(rt, below(type), &handle));
    node_scrub();
    CHECK(live_objects(rt) >= COUNT);
    lg_handle_free(handle);
    node_scrub();
    CHECK_BETWEEN(live_objects(rt), 0, STRAY);
}

static __attribute__((noinline)) void send_list(lg_chan *ch, lg_type *type)
{
    struct node_obj *list = below(type);
    CHECK_OK(lg_chan_send(ch, &list, LG_NEVER));
    node_scrub();
}

it("gc", "keeps what lies in a channel's buffer", .procs = 1)
{
    lg_chan *ch = spec_chan(rt, sizeof(struct node_obj *), 4);
    send_list(ch, node_type(rt));
    CHECK(live_objects(rt) >= COUNT);
    CHECK(live_objects(rt) >= COUNT);
    struct node_obj *list;
    CHECK_OK(lg_chan_recv(ch, &list, LG_NEVER));
    size_t count = 0;
    for (; list; list = list->refs[0]) {
        node_check(list);
        count++;
    }
    CHECK_INT(count, COUNT);
    lg_chan_free(ch);
}

static void *root_words[4];

it("gc", "keeps what roots refer to until they are taken back", .procs = 1)
{
    CHECK_OK(lg_root_add(rt, "spec", root_words, 4));
    lg_store(&root_words[3], below(node_type(rt)));
    node_scrub();
    CHECK(live_objects(rt) >= COUNT);
    CHECK_OK(lg_root_remove(rt, root_words));
    node_scrub();
    CHECK_BETWEEN(live_objects(rt), 0, STRAY);
}

it("gc", "frees cycles", .procs = 1)
{
    struct node_obj *list = below(node_type(rt));
    struct node_obj *last = list;
    while (last->refs[0]) {
        last = last->refs[0];
    }
    lg_store(&last->refs[0], list);
    list = NULL;
    last = NULL;
    lg_keep_alive(list);
    lg_keep_alive(last);
    node_scrub();
    CHECK_BETWEEN(live_objects(rt), 0, COUNT); // conservative: one word keeps them all
    node_litter(node_type(rt), 10);
}

it("gc", "marks a list of a million nodes without recursion", .procs = 1, .limit_s = 60)
{
    size_t n = spec_has_tsan() ? 100000 : 1000000;
    lg_handle *handle;
    CHECK_OK(lg_handle_new(rt, node_list(node_type(rt), n), &handle));
    CHECK(live_objects(rt) >= n);
    size_t count = 0;
    for (struct node_obj *at = lg_handle_get(handle); at; at = at->refs[0]) {
        node_check(at);
        count++;
    }
    CHECK_INT(count, n);
    lg_handle_free(handle);
}

it("gc", "marks what arrays of every size refer to", .procs = 1)
{
    lg_type *refs = ref_type(rt);
    lg_type *type = node_type(rt);
    for (size_t n = 1; n < 300000; n = n * 7 + 1) {
        struct node_obj **array = lg_new_array(refs, n);
        for (size_t i = 0; i < n; i += n / 50 + 1) {
            lg_store(&array[i], node_new(type, i));
        }
        lg_store(&array[n - 1], node_new(type, n - 1));
        CHECK_OK(lg_gc(rt));
        for (size_t i = 0; i < n; i += n / 50 + 1) {
            node_check(array[i]);
            CHECK_INT(array[i]->number, i);
        }
        node_check(array[n - 1]);
        lg_keep_alive(array);
    }
}

static void collect(void *arg)
{
    lg_runtime *rt = arg;
    for (int i = 0; i < 5; i++) {
        uint64_t before = gc_stats(rt).cycles;
        CHECK_OK(lg_gc(rt));
        CHECK(gc_stats(rt).cycles > before);
    }
}

it("gc", "may be asked for by several goroutines at once", .procs = 4)
{
    lg_ref refs[6];
    for (int i = 0; i < 6; i++) {
        refs[i] = spec_go(rt, collect, rt);
    }
    for (int i = 0; i < 6; i++) {
        SETTLE(lg_cancel(refs[i]) == LG_ESRCH);
    }
    CHECK(gc_stats(rt).forced >= 5);
}

it("gc", "counts its cycles, pauses and objects", .procs = 2)
{
    CHECK_OK(lg_gc(rt));
    lg_gc_stats before = gc_stats(rt);
    node_litter(node_type(rt), COUNT);
    CHECK_OK(lg_gc(rt));
    lg_gc_stats after = gc_stats(rt);
    CHECK_INT(after.cycles, before.cycles + 1);
    CHECK_INT(after.forced, before.forced + 1);
    CHECK(after.allocated >= before.allocated + COUNT);
    CHECK(after.freed >= before.freed + COUNT - STRAY);
    CHECK(after.allocated_bytes - after.freed_bytes == after.heap_bytes);
    uint64_t pauses = 0;
    for (int i = 0; i < LG_GC_PAUSE_BUCKETS; i++) {
        pauses += after.pauses[i];
    }
    CHECK_INT(pauses, 2 * after.cycles);
    CHECK(after.pause_max_ns > 0 && after.pause_total_ns >= after.pause_max_ns);
    CHECK(after.cpu_share > 0 && after.cpu_share <= 1);
}

it("gc", "starts by itself, and keeps the heap near its goal", .procs = 1)
{
    lg_type *type = node_type(rt);
    lg_handle *handle;
    CHECK_OK(lg_handle_new(rt, node_list(type, 20000), &handle));
    size_t most = 0;
    for (int i = 0; i < 600; i++) {
        node_litter(type, 2000);
        size_t bytes = gc_stats(rt).heap_bytes;
        most = bytes > most ? bytes : most;
    }
    CHECK(gc_stats(rt).cycles > 2);
    CHECK(gc_stats(rt).forced == 0);
    // 20,000 nodes are 960 KB, and 8 MB are the least goal.
    CHECK_BETWEEN(most, 0, 12 << 20);
    lg_handle_free(handle);
}

it("gc", "does not start by itself when it is off", .procs = 1)
{
    CHECK_INT(lg_gc_percent(rt, LG_GC_OFF), 100);
    CHECK_INT(lg_gc_percent_get(rt), LG_GC_OFF);
    node_litter(node_type(rt), 300000);
    CHECK_INT(gc_stats(rt).cycles, 0);
    CHECK_INT(lg_gc_percent(rt, 50), LG_GC_OFF);
    CHECK_CODE(lg_gc_percent(rt, -7), LG_EINVAL);
    CHECK_INT(lg_gc_percent_get(rt), 50);
    node_litter(node_type(rt), 1000);
    SETTLE(gc_stats(rt).cycles > 0);
}

it("gc", "ends the program outside of a goroutine", .dies = "lg_gc() outside a goroutine")
{
    lg_gc(spec_open(1));
}

static char traced[16][320];
static _Atomic int ntraced;

static void keep_line(void *ud, const char *line)
{
    (void)ud;
    int at = atomic_fetch_add(&ntraced, 1);
    if (at < 16) {
        snprintf(traced[at], sizeof traced[at], "%s", line);
    }
}

static void litter_and_collect(void *arg)
{
    lg_runtime *rt = *(lg_runtime **)arg;
    node_litter(node_type(rt), COUNT);
    CHECK_OK(lg_gc(rt));
}

it("gctrace", "tells of each cycle in Go's form")
{
    lg_options options;
    lg_options_init(&options);
    options.procs = 2;
    options.gctrace = true;
    options.on_log = keep_line;
    lg_runtime *rt2 = spec_open_with(&options);
    spec_main(rt2, litter_and_collect, &rt2);
    SETTLE(atomic_load(&ntraced) >= 1);
    double f[13];
    long long mb[6];
    int n = 0;
    int fields = sscanf(traced[0],
                        "gc 1 @%lfs %lf%%: %lf+%lf+%lf ms clock, %lf+%lf/%lf/%lf+%lf ms "
                        "cpu, %lld->%lld->%lld MB, %lld MB stacks, %lld MB globals, %lld "
                        "MB goal, 2 P (forced)%n",
                        &f[0], &f[1], &f[2], &f[3], &f[4], &f[5], &f[6], &f[7], &f[8],
                        &f[9], &mb[0], &mb[1], &mb[2], &mb[3], &mb[4], &mb[5], &n);
    CHECK_INT(fields, 16);
    CHECK_INT(n, strlen(traced[0]));
    CHECK_BETWEEN(mb[5], 0, 8); // 8, but for the check build's small heaps
}

// Larger than an arena: it has a row of its own, which stands by when it is free.
static void free_huge(__attribute__((unused)) void *arg)
{
    enum { OBJECT_BYTES = 150 << 20, BLOCK_BYTES = 80 << 20 };
    lg_runtime *rt = lg_current();
    size_t before = live_objects(rt);
    CHECK(lg_new_bytes(rt, OBJECT_BYTES));
    node_scrub();
    CHECK_INT(live_objects(rt), before);
    char *block = lg_alloc(rt, LG_USE_OTHER, NULL, 0, BLOCK_BYTES);
    CHECK(block);
    block[0] = 1;
    block[BLOCK_BYTES - 1] = 1;
    lg_alloc(rt, LG_USE_OTHER, block, BLOCK_BYTES, 0);
}

it("gc", "leaves the memory of a huge object to blocks")
{
    lg_options options;
    lg_options_init(&options);
    options.procs = 1;
    lg_runtime *own; // blocks come from the same heap, not from the host
    CHECK_OK(lg_open(&options, &own));
    spec_main(own, free_huge, NULL);
    lg_close(own);
}
