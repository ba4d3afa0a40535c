// SPDX-License-Identifier: MIT
//
// Parallel loops: every number once, whoever calls, however much memory there is.
#include "script.h"

enum { N = 1000 };

static lg_runtime *host;
static _Atomic int n_seen[N];
static _Atomic int n_chunks;
static _Atomic int n_inside;
static _Atomic bool may_go;
static lg_ref caller;

static void see(__attribute__((unused)) void *arg, size_t begin, size_t end)
{
    CHECK(begin < end && end <= N);
    for (size_t i = begin; i < end; i++) {
        n_seen[i]++;
    }
    n_chunks++;
}

static void check_seen(size_t n, int times)
{
    for (size_t i = 0; i < N; i++) {
        CHECK_INT(n_seen[i], i < n ? times : 0);
        n_seen[i] = 0;
    }
}

it("parallel_for", "meets every number once, whatever the grain", .procs = 4)
{
    const size_t sizes[] = {1, 2, 3, 63, 64, 65, 999, N};
    const size_t grains[] = {0, 1, 2, 7, 500, N, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof grains / sizeof *grains; j++) {
            CHECK_OK(lg_parallel_for(rt, sizes[i], grains[j], see, NULL));
            check_seen(sizes[i], 1);
        }
    }
}

it("parallel_for of nothing", "calls nobody", .procs = 2)
{
    CHECK_OK(lg_parallel_for(rt, 0, 0, see, NULL));
    CHECK_OK(lg_parallel_for(rt, 0, 7, see, NULL));
    CHECK_INT(n_chunks, 0);
}

static void check_grain(void *arg, size_t begin, size_t end)
{
    size_t grain = *(const size_t *)arg;
    CHECK_INT(begin % grain, 0);
    CHECK(end == begin + grain || end == N);
    see(NULL, begin, end);
}

it("parallel_for with a grain", "begins chunks at multiples of it, as long as it",
   .procs = 3)
{
    for (size_t grain = 1; grain < N; grain = grain * 3 - 1) {
        if (grain == 1) {
            grain = 2;
        }
        n_chunks = 0;
        CHECK_OK(lg_parallel_for(rt, N, grain, check_grain, &grain));
        CHECK_INT(n_chunks, (N + grain - 1) / grain);
        check_seen(N, 1);
    }
}

static _Atomic bool have_met;

// Stays for a while, to see whether as many are inside at once.
static void meet(void *arg, __attribute__((unused)) size_t begin,
                 __attribute__((unused)) size_t end)
{
    int wanted = (int)(intptr_t)arg;
    n_inside++;
    for (int i = 0; i < 100 && !have_met; i++) {
        CHECK_OK(lg_yield());
        if (n_inside == wanted) {
            have_met = true;
        }
    }
    CHECK(n_inside <= wanted);
    n_inside--;
}

it("parallel_for while Ps are idle", "runs as many chunks at once", .procs = 3)
{
    while (!have_met) {
        CHECK_OK(lg_parallel_for(rt, 6, 1, meet, (void *)3));
    }
}

it("parallel_for of unknown weight", "spreads, too, when it lasts", .procs = 2)
{
    while (!have_met) {
        CHECK_OK(lg_parallel_for(rt, N, 0, meet, (void *)2));
    }
}

static void inner(void *arg, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        CHECK_OK(lg_parallel_for(host, N, (size_t)(intptr_t)arg, see, NULL));
    }
}

it("parallel_for in a chunk of another", "is as any", .procs = 4)
{
    host = rt;
    CHECK_OK(lg_parallel_for(rt, 20, 1, inner, (void *)10));
    CHECK_OK(lg_parallel_for(rt, 20, 0, inner, NULL));
    check_seen(N, 40);
}

static void block(void *arg, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        uint64_t value = i;
        CHECK_OK(lg_chan_send(arg, &value, LG_NEVER));
        CHECK_OK(lg_yield());
        CHECK_OK(lg_chan_recv(arg, &value, LG_NEVER));
        CHECK_OK(lg_sleep_until(lg_now(host) + 1));
        n_seen[value]++;
    }
}

it("a chunk that waits", "is waited for", .procs = 3)
{
    host = rt;
    lg_chan *ch = spec_chan(rt, sizeof(uint64_t), 4);
    CHECK_OK(lg_parallel_for(rt, N, 3, block, ch));
    check_seen(N, 1);
    lg_chan_free(ch);
}

// ---------------------------------------------------------------------------
// Cancellation
// ---------------------------------------------------------------------------

it("parallel_for of a goroutine that was canceled before", "does nothing", .procs = 2)
{
    CHECK_OK(lg_cancel(lg_self()));
    CHECK_CODE(lg_parallel_for(rt, N, 1, see, NULL), LG_ECANCELED);
    CHECK_INT(n_chunks, 0);
    CHECK_OK(lg_parallel_for(rt, N, 1, see, NULL));
}

static void stay(__attribute__((unused)) void *arg, __attribute__((unused)) size_t begin,
                 __attribute__((unused)) size_t end)
{
    n_inside++;
    SETTLE(may_go);
    n_chunks++;
}

static void loop_staying(void *arg)
{
    CHECK_CODE(lg_parallel_for(host, N, 1, stay, arg), LG_ECANCELED);
    CHECK(!lg_is_canceled());
    CHECK_INT(n_chunks, n_inside);
    CHECK(n_chunks <= 2); // one on each P
    may_go = false;
}

it("parallel_for of a goroutine that is canceled", "begins no other chunk, and waits",
   .procs = 2)
{
    host = rt;
    lg_ref ref = spec_go(rt, loop_staying, NULL);
    SETTLE(n_inside > 0);
    CHECK_OK(lg_cancel(ref));
    lg_g_info info;
    CHECK_OK(lg_get_info(ref, &info));
    may_go = true;
    SETTLE(lg_get_info(ref, &info) == LG_ESRCH);
    CHECK(!may_go);
}

static void cancel_caller(void *arg, size_t begin, __attribute__((unused)) size_t end)
{
    n_chunks++;
    if (begin == (size_t)(intptr_t)arg) {
        CHECK_OK(lg_cancel(caller));
    }
}

it("parallel_for canceled by its last chunk", "is done; the next call is canceled",
   .procs = 1)
{
    caller = lg_self();
    CHECK_OK(lg_parallel_for(rt, 10, 1, cancel_caller, (void *)9));
    CHECK(lg_is_canceled());
    CHECK_CODE(lg_sleep_until(LG_NEVER), LG_ECANCELED);
    n_chunks = 0;
    CHECK_CODE(lg_parallel_for(rt, 10, 1, cancel_caller, (void *)4), LG_ECANCELED);
    CHECK_INT(n_chunks, 5);
    CHECK(!lg_is_canceled());
}

// ---------------------------------------------------------------------------
// Others than native goroutines
// ---------------------------------------------------------------------------

it("parallel_for from a host's thread", "runs there as lg_run does")
{
    host = spec_open(2);
    for (int i = 1; i <= 50; i++) {
        CHECK_OK(lg_parallel_for(host, N, i % 2 ? 10 : 0, see, NULL));
    }
    check_seen(N, 50);
}

static void wait_for_ever(void *arg, __attribute__((unused)) size_t begin,
                          __attribute__((unused)) size_t end)
{
    int value;
    CHECK_OK(lg_chan_recv(arg, &value, LG_NEVER));
    n_chunks++;
}

static void send_two(void *arg)
{
    for (int i = 0; i < 2; i++) {
        CHECK_OK(lg_chan_send(arg, &i, LG_NEVER));
    }
    SETTLE(n_chunks == 2);
}

it("parallel_for that hangs, from a host's thread", "is told, and ends when it may")
{
    host = spec_open(1);
    lg_chan *ch = spec_chan(host, sizeof(int), 0);
    CHECK_CODE(lg_parallel_for(host, 2, 1, wait_for_ever, ch), LG_EDEADLOCK);
    spec_main(host, send_two, ch);
    lg_chan_free(ch);
}

static struct interpreter interpreter;

static int loop_scripted(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_CALL(lg_parallel_for(host, N, 5, see, NULL))
    CHECK_OK(result);
    CHECK_OK(lg_cancel(lg_self()));
    SCRIPT_CALL(lg_parallel_for(host, N, 5, see, NULL))
    CHECK_CODE(result, LG_ECANCELED);
    SCRIPT_CALL(lg_parallel_for(host, 2, 1, stay, NULL))
    CHECK_OK(result);
    SCRIPT_END
}

static int tick(struct script *script, int result)
{
    SCRIPT_BEGIN
    while (n_inside == 0) { // the strand goes on while the other one waits
        SCRIPT_AWAIT(lg_yield())
        CHECK_OK(result);
    }
    may_go = true;
    SCRIPT_END
}

static void await_end(__attribute__((unused)) void *arg)
{
    SETTLE(lg_num_goroutine(host) == 1);
}

it("parallel_for in a scripted goroutine", "is done by native ones; the strand goes on")
{
    host = spec_open(2);
    lg_strand *strand = script_strand(host, &interpreter);
    script_go(strand, loop_scripted, NULL);
    script_go(strand, tick, NULL);
    spec_main(host, await_end, NULL);
    check_seen(N, 1);
    lg_strand_close(strand);
}

// ---------------------------------------------------------------------------
// Misuse and memory
// ---------------------------------------------------------------------------

static void loop_in_timer(__attribute__((unused)) void *arg)
{
    lg_parallel_for(host, N, 1, see, NULL);
}

it("parallel_for in a timer's function", "is fatal", .procs = 1,
   .dies = "a blocking call outside a goroutine")
{
    host = rt;
    lg_timer timer = {0};
    lg_timer_init(&timer, rt, NULL, loop_in_timer, NULL);
    CHECK_OK(lg_timer_start(&timer, 0, 0));
    SETTLE(n_chunks > 0);
}

static void loop_elsewhere(__attribute__((unused)) void *arg)
{
    lg_parallel_for(host, N, 1, see, NULL);
}

it("parallel_for on another runtime", "is fatal",
   .dies = "lg_parallel_for() on another runtime")
{
    host = spec_open(1);
    spec_main(spec_open(1), loop_elsewhere, NULL);
}

static struct spec_memory memory;

static void loop_without_memory(__attribute__((unused)) void *arg)
{
    for (int i = 0; i < 20; i++) {
        memory.is_fail_after = true;
        memory.fail_at = 1;
        CHECK_OK(lg_parallel_for(host, N, 1, see, NULL));
        memory.fail_at = 0;
    }
}

it("parallel_for without memory", "is done all the same")
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 40; // so that the ranges do not fit in the frame either
    opts.alloc = spec_realloc;
    opts.alloc_ud = &memory;
    host = spec_open_with(&opts);
    spec_main(host, loop_without_memory, NULL);
    check_seen(N, 20);
}
