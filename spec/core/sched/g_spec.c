// SPDX-License-Identifier: MIT
//
// Goroutines: start, identity, end, and what a snapshot tells.
#include <stdio.h>

#include "sched/sched.h"
#include "spec.h"

static _Atomic int n_done;
static lg_chan *ch;
static lg_ref self_seen; // by see(), of which one runs at a time
static _Atomic(void *) arg_seen;

static void see(void *arg)
{
    self_seen = lg_self();
    arg_seen = arg;
    n_done++;
}

static void receive(__attribute__((unused)) void *arg)
{
    CHECK_CODE(lg_chan_recv(ch, NULL, LG_NEVER), LG_ECLOSED);
    n_done++;
}

it("go", "runs the function with its argument, under the name it gave out", .procs = 1)
{
    lg_ref ref = {0};
    int local = 0;
    CHECK_OK(lg_go(rt, see, &local, NULL, &ref));
    CHECK_INT(n_done, 0); // not before we wait
    SETTLE(n_done == 1);
    CHECK(arg_seen == &local);
    CHECK_INT(self_seen.id, ref.id);
    CHECK(self_seen.g == ref.g);
    CHECK_OK(lg_go(rt, see, NULL, NULL, NULL));
    SETTLE(n_done == 2);
}

it("go", "gives no id twice, records re-used or not", .procs = 2)
{
    // Ps take ids in batches, so they do not only grow; but each comes once.
    static bool is_taken[1000000];
    for (int i = 0; i < spec_rounds(5000); i++) {
        lg_ref ref = spec_go(rt, see, NULL);
        CHECK(ref.id > 0 && ref.id < sizeof is_taken);
        CHECK(!is_taken[ref.id]);
        is_taken[ref.id] = true;
        SETTLE(n_done == i + 1);
    }
}

it("go with a stack over the limit", "is refused", .procs = 1)
{
    lg_go_options opts = {.stack_size_bytes = (size_t)LG_STACK_MAX + 1};
    lg_ref ref = {.id = 7};
    CHECK_CODE(lg_go(rt, see, NULL, &opts, &ref), LG_EINVAL);
    opts.stack_size_bytes = SIZE_MAX;
    CHECK_CODE(lg_go(rt, see, NULL, &opts, &ref), LG_EINVAL);
    CHECK_INT(ref.id, 7);
    CHECK_INT(lg_num_goroutine(rt), 1);
}

it("self outside a goroutine", "is nobody")
{
    CHECK_INT(lg_self().id, 0);
    CHECK(lg_current() == NULL);
    CHECK(lg_strand_self() == NULL);
    CHECK(lg_extra_self() == NULL);
}

it("self in a native goroutine", "is somebody, in no strand", .procs = 1)
{
    CHECK(lg_self().id != 0);
    CHECK(lg_current() == rt);
    CHECK(lg_strand_self() == NULL);
    CHECK(lg_extra_self() == NULL);
}

it("yield", "lets the others that can run go first", .procs = 1)
{
    for (int i = 0; i < 50; i++) {
        spec_go(rt, see, NULL);
    }
    CHECK_OK(lg_yield());
    CHECK_INT(n_done, 50);
}

it("yield outside a goroutine", "is fatal", .dies = "goroutine")
{
    lg_yield();
}

it("sleep outside a goroutine", "is fatal", .dies = "goroutine")
{
    lg_sleep_until(LG_NEVER);
}

it("cancel of a goroutine that has ended", "says so, record re-used or not", .procs = 1)
{
    lg_ref ref = spec_go(rt, see, NULL);
    SETTLE(n_done == 1);
    CHECK_CODE(lg_cancel(ref), LG_ESRCH);
    ch = spec_chan(rt, 0, 0);
    for (int i = 0; i < 10; i++) {
        spec_go(rt, receive, NULL);
    }
    SETTLE(spec_waiting(rt, NULL) == 10);
    CHECK_CODE(lg_cancel(ref), LG_ESRCH);
    CHECK_INT(spec_waiting(rt, NULL), 10);
    CHECK_OK(lg_chan_close(ch));
    SETTLE(n_done == 11);
    lg_chan_free(ch);
}

// ---------------------------------------------------------------------------
// Snapshots
// ---------------------------------------------------------------------------

struct found {
    uint64_t id;
    lg_g_info info;
    int n_seen;
    uint64_t last_id;
};

static bool find(void *ud, const lg_g_info *info)
{
    struct found *found = ud;
    found->n_seen++;
    if (info->ref.id == found->id) {
        found->info = *info;
    }
    return true;
}

static bool stop_at_two(void *ud, __attribute__((unused)) const lg_g_info *info)
{
    return ++*(int *)ud < 2;
}

static void lines_collect(void *ud, const char *line)
{
    char *text = ud;
    CHECK(!strchr(line, '\n'));
    strncat(text, line, 4000 - strlen(text));
    strcat(text, "\n");
}

it("goroutines", "tells name, parent, state, and why and since when it waits", .procs = 1)
{
    ch = spec_chan(rt, 0, 0);
    lg_go_options opts = {.name = "reader"};
    lg_ref ref;
    CHECK_OK(lg_go(rt, receive, NULL, &opts, &ref));
    struct found found = {.id = ref.id};
    lg_goroutines(rt, find, &found);
    CHECK_INT(found.info.status, LG_RUNNABLE);
    CHECK(found.info.wait_reason == NULL);
    int64_t before = lg_now(rt);
    SETTLE(spec_is_waiting(rt, ref));
    found.n_seen = 0;
    lg_goroutines(rt, find, &found);
    CHECK_INT(found.n_seen, 2);
    CHECK_INT(found.info.status, LG_WAITING);
    CHECK_STR(found.info.wait_reason, "chan receive");
    CHECK_STR(found.info.name, "reader");
    CHECK_INT(found.info.parent, lg_self().id);
    CHECK(found.info.strand == NULL && found.info.extra == NULL);
    CHECK_BETWEEN(found.info.wait_since_ns, before - 20000000, lg_now(rt) + 20000000);
    found.id = lg_self().id;
    lg_goroutines(rt, find, &found);
    CHECK_INT(found.info.status, LG_RUNNING);
    CHECK_INT(found.info.parent, 0);
    CHECK_OK(lg_chan_close(ch));
    SETTLE(n_done == 1);
    lg_chan_free(ch);
}

it("goroutines", "stops when it is told to", .procs = 1)
{
    for (int i = 0; i < 5; i++) {
        spec_go(rt, see, NULL);
    }
    int n_visited = 0;
    lg_goroutines(rt, stop_at_two, &n_visited);
    CHECK_INT(n_visited, 2);
    SETTLE(n_done == 5);
}

it("set_name", "shows in a snapshot and in the dump", .procs = 1)
{
    lg_set_name("the boss");
    ch = spec_chan(rt, 0, 0);
    lg_ref ref = spec_go(rt, receive, NULL);
    SETTLE(spec_is_waiting(rt, ref));
    char text[4096] = "";
    lg_dump(rt, lines_collect, text);
    CHECK_HAS(text, "the boss");
    CHECK_HAS(text, "chan receive");
    char number[40];
    snprintf(number, sizeof number, "goroutine %d", (int)ref.id);
    CHECK_HAS(text, number);
    lg_set_name(NULL);
    text[0] = 0;
    lg_dump(rt, lines_collect, text);
    CHECK(!strstr(text, "the boss"));
    CHECK_OK(lg_chan_close(ch));
    SETTLE(n_done == 1);
    lg_chan_free(ch);
}

it("set_name", "keeps a copy, of a long name the beginning", .procs = 1)
{
    char name[40] = "0123456789012345678901234567890-too long";
    lg_g_info info;
    lg_set_name(name);
    memset(name, 'x', sizeof name);
    CHECK_OK(lg_get_info(lg_self(), &info));
    CHECK_STR(info.name, "0123456789012345678901234567890");
    CHECK_INT(strlen(info.name), LG_NAME_SIZE - 1);
    lg_set_name(NULL);
    CHECK_OK(lg_get_info(lg_self(), &info));
    CHECK_STR(info.name, "");
}

static size_t kept_of(size_t nbefore, const char *tail)
{
    char name[64];
    lg_g_info info;
    memset(name, 'x', nbefore);
    strcpy(name + nbefore, tail);
    lg_set_name(name);
    CHECK_OK(lg_get_info(lg_self(), &info));
    CHECK(memcmp(info.name, name, strlen(info.name)) == 0);
    lg_set_name(NULL);
    return strlen(info.name);
}

it("set_name", "cuts a long name between two characters", .procs = 1)
{
    CHECK_INT(kept_of(29, "\xc3\xa4"), 31);
    CHECK_INT(kept_of(30, "\xc3\xa4"), 30);
    CHECK_INT(kept_of(29, "\xe2\x82\xac"), 29);
    CHECK_INT(kept_of(28, "\xf0\x9f\x8c\x8a\xf0\x9f\x8c\x8a"), 28);
    CHECK_INT(kept_of(31, "\xf0\x9f\x8c\x8a"), 31);
    CHECK_INT(kept_of(20, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"), 31);
}

it("set_name outside a goroutine", "is fatal", .dies = "goroutine")
{
    lg_set_name("nobody");
}

static _Atomic bool may_stop;

static void churn(__attribute__((unused)) void *arg)
{
    while (!may_stop) {
        lg_go(lg_current(), see, NULL, NULL, NULL);
        CHECK_OK(lg_yield());
    }
    n_done++;
}

it("goroutines while others come and go on 4 Ps", "sees whole records", .procs = 4,
   .limit_s = 20)
{
    for (int i = 0; i < 4; i++) {
        spec_go(rt, churn, NULL);
    }
    for (int i = 0; i < spec_rounds(4000); i++) {
        struct found found = {.id = lg_self().id};
        lg_goroutines(rt, find, &found);
        CHECK(found.n_seen >= 1);
        CHECK_INT(found.info.ref.id, lg_self().id);
        CHECK_OK(lg_yield());
    }
    may_stop = true;
    SETTLE(lg_num_goroutine(rt) == 1);
}

static _Atomic(lg_g *) own_g;
static _Atomic uint64_t own_ticket;

static void park_for_ever(__attribute__((unused)) void *arg)
{
    for (;;) {
        lg_ticket ticket = lg_park_arm();
        own_ticket = ticket.wait;
        own_g = ticket.g;
        lg_park("nothing", LG_NEVER);
        n_done++;
    }
}

it("a goroutine of the runtime's own", "is neither counted nor listed, and may be left",
   .procs = 2)
{
    size_t stacks = spec_stats(rt).stacks;
    CHECK_OK(lg__go_system(rt, SYSTEM_SCANNED, park_for_ever, NULL, "own"));
    SETTLE(own_g != NULL);
    CHECK_INT(lg_num_goroutine(rt), 1);
    CHECK_INT(spec_waiting(rt, "nothing"), 0);
    CHECK_BETWEEN(spec_stats(rt).stacks, 0, stacks + 1);
    CHECK_INT(spec_stats(rt).spawned, 1);
    lg_ready((lg_ticket){.g = own_g, .wait = own_ticket});
    SETTLE(n_done == 1);
}

struct named {
    int nown;   // of that name
    bool is_it; // the calling one is among them
};

static bool count_named(void *ud, const lg_g_info *info)
{
    struct named *named = ud;
    named->nown += strcmp(info->name, "own") == 0;
    named->is_it |= info->ref.id == lg_self().id;
    return true;
}

it("a goroutine of the runtime's own", "is listed by lg_system_goroutines() only",
   .procs = 1)
{
    CHECK_OK(lg__go_system(rt, SYSTEM_SCANNED, park_for_ever, NULL, "own"));
    CHECK_OK(lg__go_system(rt, SYSTEM_SCANNED, park_for_ever, NULL, "own"));
    struct named named = {0};
    lg_system_goroutines(rt, count_named, &named);
    CHECK_INT(named.nown, 2);
    CHECK(!named.is_it);
    int n_visited = 0;
    lg_system_goroutines(rt, stop_at_two, &n_visited);
    CHECK_INT(n_visited, 2);
}

static void wait_for_nothing(__attribute__((unused)) void *arg)
{
    lg_chan_recv(ch, NULL, LG_NEVER);
}

it("a goroutine of the runtime's own", "hides no deadlock")
{
    lg_runtime *own = spec_open(1);
    CHECK_OK(lg__go_system(own, SYSTEM_SCANNED, park_for_ever, NULL, "own"));
    ch = spec_chan(own, 0, 0);
    CHECK_CODE(lg_run(own, wait_for_nothing, NULL), LG_EDEADLOCK);
    spec_leave(own);
}

// ---------------------------------------------------------------------------
// Many
// ---------------------------------------------------------------------------

static void start_park_wake_finish(lg_runtime *rt, int n)
{
    ch = spec_chan(rt, 0, 0);
    for (int i = 0; i < n; i++) {
        spec_go(rt, receive, NULL);
        if (i % 256 == 0) {
            CHECK_OK(lg_yield());
        }
    }
    SETTLE(spec_waiting(rt, "chan receive") == (size_t)n);
    CHECK_INT(lg_num_goroutine(rt), n + 1);
    CHECK_OK(lg_chan_close(ch));
    SETTLE(lg_num_goroutine(rt) == 1);
    CHECK_INT(n_done, n);
    lg_chan_free(ch);
}

it("100,000 goroutines", "start, wait, are woken and finish", .procs = 2, .limit_s = 40)
{
    start_park_wake_finish(rt, spec_has_tsan() ? 5000 : 100000);
}

it("a million goroutines", "start, wait, are woken and finish", .procs = 2,
   .limit_s = 120, .is_stress = true)
{
    start_park_wake_finish(rt, spec_has_tsan() ? 5000 : 1000000);
}

static void tree(void *arg)
{
    intptr_t depth = (intptr_t)arg;
    if (depth > 0) {
        spec_go(lg_current(), tree, (void *)(depth - 1));
        spec_go(lg_current(), tree, (void *)(depth - 1));
    }
    n_done++;
}

it("a tree of goroutines on 4 Ps", "runs every node once", .procs = 4, .limit_s = 20)
{
    int depth = spec_has_tsan() ? 9 : 15;
    spec_go(rt, tree, (void *)(intptr_t)depth);
    SETTLE(n_done == (2 << depth) - 1);
    SETTLE(lg_num_goroutine(rt) == 1);
}
