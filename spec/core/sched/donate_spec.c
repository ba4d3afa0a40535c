// SPDX-License-Identifier: MIT
//
// Stack donation: a script that waits with C frames below it keeps the stack
// it stands on, and the scheduler goes on upon another.
#include "script.h"

enum { DEEP = 40 };

static struct interpreter interpreter;
static lg_strand *strand;
static lg_chan *chans[DEEP];
static int order[DEEP];
static int n_order;
static _Atomic int n_done;
static int n_rounds;

// Locals that must be there afterwards.
static int keep(struct script *script, lg_chan *ch)
{
    volatile uint64_t marks[16];
    for (uint64_t i = 0; i < 16; i++) {
        marks[i] = i * 77 + (uint64_t)(uintptr_t)script;
    }
    uint64_t value = 0;
    int result;
    SCRIPT_KEEP(lg_chan_recv(ch, &value, LG_NEVER))
    for (uint64_t i = 0; i < 16; i++) {
        CHECK(marks[i] == i * 77 + (uint64_t)(uintptr_t)script);
    }
    return result == LG_OK ? (int)value : result;
}

static int keep_one(struct script *script, int result)
{
    SCRIPT_BEGIN
    intptr_t number = (intptr_t)script->arg;
    CHECK_INT(keep(script, chans[number]), number);
    order[n_order++] = (int)number;
    CHECK_INT(keep(script, chans[number]), number); // again, on the same stack
    n_done++;
    SCRIPT_END
}

static void wake(lg_runtime *rt, const int *sequence)
{
    for (int i = 0; i < DEEP; i++) {
        uint64_t value = (uint64_t)sequence[i];
        CHECK_OK(lg_chan_send(chans[sequence[i]], &value, LG_NEVER));
        SETTLE(spec_waiting(rt, NULL) == DEEP || n_done > 0);
    }
}

static void wake_in_orders(void *arg)
{
    lg_runtime *rt = arg;
    int sequence[DEEP];
    struct spec_random random = spec_random_new(1);
    SETTLE(spec_waiting(rt, NULL) == DEEP);
    CHECK(spec_stats(rt).stacks >= DEEP);
    for (int i = 0; i < DEEP; i++) {
        sequence[i] = i; // first in, first out: every stack lies below another
    }
    wake(rt, sequence);
    SETTLE(n_order == DEEP);
    for (int i = 0; i < DEEP; i++) {
        CHECK_INT(order[i], i);
        uint32_t other = spec_random_below(&random, DEEP);
        int swapped = sequence[i];
        sequence[i] = sequence[other];
        sequence[other] = swapped;
    }
    for (int i = 0; i < DEEP; i++) {
        uint64_t value = (uint64_t)sequence[i];
        CHECK_OK(lg_chan_send(chans[sequence[i]], &value, LG_NEVER));
    }
    SETTLE(n_done == DEEP);
}

static void drive_deep(int procs)
{
    lg_runtime *host = spec_open(procs);
    strand = script_strand(host, &interpreter);
    for (intptr_t i = 0; i < DEEP; i++) {
        chans[i] = spec_chan(host, 8, 0);
        script_go(strand, keep_one, (void *)i);
    }
    spec_main(host, wake_in_orders, host);
    CHECK_INT(interpreter.returns, 2 * DEEP);
    CHECK(spec_stats(host).donations >= 2 * DEEP);
    for (int i = 0; i < DEEP; i++) {
        lg_chan_free(chans[i]);
    }
}

it("40 donated stacks on one P", "come back in any order, locals whole")
{
    drive_deep(1);
}

it("40 donated stacks on 4 Ps", "come back in any order, locals whole")
{
    drive_deep(4);
}

// ---------------------------------------------------------------------------
// Nested: each stands in a call that started the next one's run
// ---------------------------------------------------------------------------

static int recurse(struct script *script, int depth)
{
    int result;
    volatile int mark = depth;
    SCRIPT_KEEP(lg_yield())
    CHECK_OK(result);
    if (depth > 0) {
        CHECK_INT(recurse(script, depth - 1), depth - 1);
    }
    SCRIPT_KEEP(lg_sleep_until(lg_now(lg_current()) + 1000))
    CHECK_OK(result);
    CHECK_INT(mark, depth);
    return depth;
}

static int recurse_deep(struct script *script, int result)
{
    SCRIPT_BEGIN
    CHECK_INT(recurse(script, 20), 20);
    SCRIPT_AWAIT(lg_yield()) // and leaves, having donated
    CHECK_INT(recurse(script, 5), 5);
    n_done++;
    SCRIPT_END
}

static void settle_done(void *arg)
{
    SETTLE(n_done == (intptr_t)arg);
}

it("donations several deep in one goroutine", "return in order")
{
    lg_runtime *host = spec_open(2);
    strand = script_strand(host, &interpreter);
    for (int i = 0; i < 30; i++) {
        script_go(strand, recurse_deep, NULL);
    }
    spec_main(host, settle_done, (void *)30);
}

// ---------------------------------------------------------------------------
// From thread to thread
// ---------------------------------------------------------------------------

static _Atomic bool has_moved;
static _Atomic int n_parked;
static _Atomic int n_woken;

static __attribute__((noinline)) pthread_t thread_self(void)
{
    __asm__ volatile(""); // or gcc finds it const and asks once for both calls
    return pthread_self();
}

static int move(struct script *script, int result)
{
    SCRIPT_BEGIN
    while (!has_moved) {
        pthread_t before = thread_self();
        n_parked++;
        CHECK_INT(keep(script, chans[0]), 5);
        if (thread_self() != before) {
            has_moved = true;
        }
        n_woken++;
    }
    n_done++;
    SCRIPT_END
}

static _Atomic bool is_held;

// Holds the other thread until the script has run, which it must do on ours.
static void hold(void *arg)
{
    int before = *(int *)arg;
    is_held = true;
    while (n_woken == before) {
    }
}

// Wakes the script and holds a thread until it has run: in turns our own and
// the other one. Sooner or later it is the one that the script parked on.
static void wake_and_hold(void *arg)
{
    lg_runtime *rt = arg;
    uint64_t value = 5;
    for (int round = 0; !n_done; round++) {
        SETTLE(n_done || (n_parked == n_woken + 1 && spec_waiting(rt, NULL) == 1));
        if (n_done) {
            break;
        }
        int before = n_woken;
        bool holds_other = round % 2 == 1;
        is_held = !holds_other;
        if (holds_other) {
            CHECK_OK(lg_go(rt, hold, &before, NULL, NULL));
        }
        while (!is_held) {
        }
        CHECK_OK(lg_chan_send(chans[0], &value, LG_NEVER));
        while (n_woken == before) {
            if (holds_other) {
                lg_yield();
            }
        }
    }
}

it("a donated stack", "goes on upon another thread")
{
    lg_runtime *host = spec_open(2);
    chans[0] = spec_chan(host, 8, 0);
    strand = script_strand(host, &interpreter);
    script_go(strand, move, NULL);
    spec_main(host, wake_and_hold, host);
    lg_chan_free(chans[0]);
}

// ---------------------------------------------------------------------------
// Churn
// ---------------------------------------------------------------------------

enum { CROWD = 50 };

static lg_chan *ring[CROWD];

static int pass_on(struct script *script, int result)
{
    SCRIPT_BEGIN
    size_t at = (size_t)(uintptr_t)script->arg;
    for (int i = 0; i < n_rounds; i++) {
        uint64_t value = 0;
        SCRIPT_KEEP(lg_chan_recv(ring[at], &value, LG_NEVER))
        CHECK_OK(result);
        value++;
        SCRIPT_KEEP(lg_chan_send(ring[(at + 1) % CROWD], &value, LG_NEVER))
        CHECK_OK(result);
    }
    n_done++;
    SCRIPT_END
}

static void kick_off(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_chan_send(ring[0], &(uint64_t){0}, LG_NEVER));
    uint64_t value = 0;
    SETTLE(n_done == CROWD);
    CHECK_OK(lg_chan_recv(ring[0], &value, LG_NEVER));
    CHECK_INT(value, (int64_t)CROWD * n_rounds);
}

it("50 donated stacks in a ring", "pass a token, and give their stacks back",
   .limit_s = 20)
{
    lg_runtime *host = spec_open(2);
    n_rounds = spec_rounds(2000);
    for (int i = 0; i < CROWD; i++) {
        ring[i] = spec_chan(host, 8, 1);
    }
    strand = script_strand(host, &interpreter);
    for (intptr_t i = 0; i < CROWD; i++) {
        script_go(strand, pass_on, (void *)i);
    }
    spec_main(host, kick_off, NULL);
    for (int i = 0; i < CROWD; i++) {
        lg_chan_free(ring[i]);
    }
}
