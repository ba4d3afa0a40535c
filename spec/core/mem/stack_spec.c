// SPDX-License-Identifier: MIT
//
// Stacks of native goroutines, and what a switch keeps for each of them.
#include <errno.h>
#include <fenv.h>

#include "base/base.h"
#include "spec.h"

static _Atomic int n_done;

// Touches so many bytes of stack, a page at a time.
static __attribute__((noinline)) int dig(size_t bytes)
{
    volatile char page[1024];
    page[0] = 1;
    page[1023] = 2;
    int below = bytes > 1200 ? dig(bytes - 1200) : 0;
    return below + page[0] + page[1023];
}

static void dig_deep(void *arg)
{
    CHECK(dig((size_t)(uintptr_t)arg) > 0);
    CHECK_OK(lg_yield());
    CHECK(dig((size_t)(uintptr_t)arg) > 0);
    n_done++;
}

enum { BUSY_BUILD_FACTOR = 3 }; // sanitizers' frames are larger

it("a stack of the default size", "has 40 KB to use", .procs = 2)
{
    for (int i = 0; i < 100; i++) {
        spec_go(rt, dig_deep, (void *)(uintptr_t)(40 * 1024 / BUSY_BUILD_FACTOR));
    }
    SETTLE(n_done == 100);
}

it("a stack of 4 MB", "has them, beside small ones", .procs = 2)
{
    lg_go_options opts = {.stack_size_bytes = 4 << 20};
    for (int i = 0; i < 10; i++) {
        uintptr_t deep = ((4 << 20) - 65536) / BUSY_BUILD_FACTOR;
        CHECK_OK(lg_go(rt, dig_deep, (void *)deep, &opts, NULL));
        spec_go(rt, dig_deep, (void *)1000);
    }
    SETTLE(n_done == 20);
}

it("stacks of the largest size and of one byte", "work", .procs = 1)
{
    lg_go_options opts = {.stack_size_bytes = LG_STACK_MAX};
    uintptr_t deep = (LG_STACK_MAX - 65536) / BUSY_BUILD_FACTOR;
    CHECK_OK(lg_go(rt, dig_deep, (void *)deep, &opts, NULL));
    opts.stack_size_bytes = 1; // rounded up to something usable
    CHECK_OK(lg_go(rt, dig_deep, (void *)100, &opts, NULL));
    SETTLE(n_done == 2);
}

it("a runtime's stack size", "is that of its goroutines")
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 1;
    opts.stack_size_bytes = 1 << 20;
    lg_runtime *host = spec_open_with(&opts);
    spec_main(host, dig_deep, (void *)(uintptr_t)((1 << 20) * 3 / 4 / BUSY_BUILD_FACTOR));
}

static __attribute__((noinline)) int dig_for_ever(volatile int *depth)
{
    volatile char page[512];
    page[0] = 1;
    int here = ++*depth;
    int below = here < INT32_MAX ? dig_for_ever(depth) : 0;
    return below + page[0] + here;
}

static void overflow(__attribute__((unused)) void *arg)
{
    volatile int depth = 0;
    dig_for_ever(&depth);
}

static void open_and_overflow(int procs)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = procs;
    opts.signals = true;
    lg_runtime *host = spec_open_with(&opts);
    lg_go_options named = {.name = "the deep one"};
    lg_ref ref;
    CHECK_OK(lg_go(host, overflow, NULL, &named, &ref));
    lg_drive(host, ref);
}

it("a stack that overflows", "is fatal and says so", .dies = "stack overflow")
{
    open_and_overflow(1);
}

it("a stack that overflows", "is fatal and names the goroutine", .dies = "the deep one")
{
    open_and_overflow(2);
}

it("a stack that overflows", "is fatal and gives its number", .dies = "goroutine 1")
{
    open_and_overflow(1);
}

static void nothing(__attribute__((unused)) void *arg)
{
    n_done++;
}

it("memory under churn of goroutines", "stays flat", .procs = 2, .limit_s = 30)
{
    int64_t before = 0;
    int rounds = spec_rounds(4000) < 200 ? 200 : spec_rounds(4000);
    for (int round = 0; round < rounds; round++) {
        n_done = 0;
        for (int i = 0; i < 100; i++) {
            spec_go(rt, i % 10 ? nothing : dig_deep, (void *)10000);
        }
        SETTLE(n_done == 100);
        if (round == rounds / 4) {
            before = spec_resident_bytes();
        }
    }
    CHECK_BETWEEN(spec_resident_bytes() - before, INT64_MIN, 6 << 20);
}

// ---------------------------------------------------------------------------
// What a switch keeps
// ---------------------------------------------------------------------------

static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
static volatile double one = 1.0;
static volatile double three = 3.0;
static _Atomic double thirds[4];

static void round_its_way(void *arg)
{
    int number = (int)(intptr_t)arg;
    CHECK_INT(fegetround(), FE_TONEAREST); // whatever its starter had
    CHECK_INT(fesetround(modes[number]), 0);
    double mine = one / three;
    for (int i = 0; i < 200; i++) {
        CHECK_OK(lg_yield());
        CHECK_INT(fegetround(), modes[number]);
        CHECK(one / three == mine);
        if (i % 50 == 0) {
            CHECK_OK(lg_sleep_until(lg_now(lg_current()) + 100000));
            CHECK_INT(fegetround(), modes[number]);
        }
    }
    thirds[number] = mine;
    n_done++;
}

it("rounding modes", "are each goroutine's own, on any thread", .procs = 3)
{
    for (int repeat = 0; repeat < 5; repeat++) {
        for (intptr_t i = 0; i < 4; i++) {
            spec_go(rt, round_its_way, (void *)i);
        }
    }
    SETTLE(n_done == 20);
    CHECK_INT(fegetround(), FE_TONEAREST);
    CHECK(thirds[1] > thirds[2]);
}

static void check_round_nearest(__attribute__((unused)) void *arg)
{
    CHECK_INT(fegetround(), FE_TONEAREST);
    n_done++;
}

it("a goroutine started under another rounding mode", "has the usual one", .procs = 1)
{
    CHECK_INT(fesetround(FE_UPWARD), 0);
    spec_go(rt, check_round_nearest, NULL);
    SETTLE(n_done == 1);
    CHECK_INT(fegetround(), FE_UPWARD);
    CHECK_INT(fesetround(FE_TONEAREST), 0);
}

// errno's address belongs to a thread; ask for it anew after each switch.
static __attribute__((noinline)) int errno_get(void)
{
    return errno;
}

static __attribute__((noinline)) void errno_set(int value)
{
    errno = value;
}

static void keep_errno(void *arg)
{
    int mine = (int)(intptr_t)arg;
    for (int i = 0; i < 200; i++) {
        errno_set(mine);
        if (i % 20 == 0) {
            CHECK_OK(lg_sleep_until(lg_now(lg_current()) + 50000));
        } else {
            CHECK_OK(lg_yield());
        }
        CHECK_INT(errno_get(), mine);
    }
    n_done++;
}

it("errno", "is each goroutine's own, on any thread", .procs = 3)
{
    for (intptr_t i = 1; i <= 10; i++) {
        spec_go(rt, keep_errno, (void *)i);
    }
    SETTLE(n_done == 10);
}

// ---------------------------------------------------------------------------
// What a parked one costs
// ---------------------------------------------------------------------------

static lg_chan *ch;

static void wait_close(__attribute__((unused)) void *arg)
{
    CHECK_CODE(lg_chan_recv(ch, NULL, LG_NEVER), LG_ECLOSED);
}

it("a parked goroutine", "costs about a page of memory", .procs = 1, .limit_s = 20)
{
    enum { MANY = 20000 };
    if (!spec_resident_is_ours()) {
        return;
    }
    ch = spec_chan(rt, 0, 0);
    int64_t before = spec_resident_bytes();
    for (int i = 0; i < MANY; i++) {
        spec_go(rt, wait_close, NULL);
    }
    SETTLE(spec_waiting(rt, NULL) == MANY);
    CHECK_BETWEEN((spec_resident_bytes() - before) / MANY, 100, 2 * 8192);
    CHECK_OK(lg_chan_close(ch));
    SETTLE(lg_num_goroutine(rt) == 1);
    lg_chan_free(ch);
}

static void park_many(lg_runtime *rt, int n)
{
    ch = spec_chan(rt, 0, 0);
    for (int i = 0; i < n; i++) {
        spec_go(rt, wait_close, NULL);
    }
    SETTLE(spec_waiting(rt, NULL) == (size_t)n);
    CHECK_OK(lg_chan_close(ch));
    SETTLE(lg_num_goroutine(rt) == 1);
    lg_chan_free(ch);
}

static void give_back(lg_runtime *rt)
{
    enum { MANY = LG_SIZED(5000, 800) }; // checks give back a few at a time
    if (!spec_resident_is_ours()) {
        return;
    }
    park_many(rt, MANY); // records and tables stay
    int64_t before = spec_resident_bytes();
    int64_t enough = (int64_t)(MANY * 3 / 5) * 4096;
    while (before - spec_resident_bytes() < enough) {
        CHECK_OK(lg_sleep_until(spec_ms(rt, 10))); // a P that has nothing to do
    }
    park_many(rt, MANY);
}

it("memory of stacks that nobody needs", "is given back, with one P", .procs = 1,
   .limit_s = 20)
{
    give_back(rt);
}

it("memory of stacks that nobody needs", "is given back, with several", .procs = 2,
   .limit_s = 20)
{
    give_back(rt);
}
