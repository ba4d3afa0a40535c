// SPDX-License-Identifier: MIT
//
// Wired goroutines stay on their thread, which runs nothing else.
#include <pthread.h>

#include "load.h"
#include "sched/runtime.h"
#include "sched/strand.h"
#include "script.h"

enum { WIRED = 3, OTHERS = 8 };

static lg_runtime *host;
static lg_chan *ch;
static pthread_t homes[WIRED];
static _Atomic int n_wired;
static _Atomic int n_done;
static _Atomic bool must_end;

static void stay(pthread_t home)
{
    CHECK(pthread_equal(pthread_self(), home));
}

static void wait_somehow(struct spec_random *random)
{
    uint64_t v = 1;
    switch (spec_random_below(random, 5)) {
    case 0: CHECK_OK(lg_yield()); break;
    case 1: CHECK_OK(lg_sleep_until(lg_now(host) + 1000)); break;
    case 2: CHECK_OK(lg_chan_send(ch, &v, LG_NEVER)); break;
    case 3: CHECK_OK(lg_chan_recv(ch, &v, LG_NEVER)); break;
    default:
        lg_block_enter();
        lg_block_leave();
        break;
    }
}

static void run_wired(void *arg)
{
    int i = (int)(intptr_t)arg;
    struct spec_random random = spec_random_new((uint64_t)i);
    lg_lock_thread();
    lg_lock_thread();
    pthread_t home = homes[i] = pthread_self();
    n_wired++;
    for (int round = 0; round < spec_rounds(300); round++) {
        wait_somehow(&random);
        stay(home);
    }
    CHECK_OK(lg_unlock_thread());
    CHECK_OK(lg_yield());
    stay(home);
    n_done++;
    if (i > 0) { // the first ends wired
        CHECK_OK(lg_unlock_thread());
        CHECK_CODE(lg_unlock_thread(), LG_EPERM);
    }
}

static void run_other(void *arg)
{
    struct spec_random random = spec_random_new(100 + (uint64_t)(intptr_t)arg);
    while (!atomic_load(&must_end)) {
        wait_somehow(&random);
        if (n_wired == WIRED && n_done == 0) {
            for (int i = 0; i < WIRED; i++) {
                // None has ended when it was looked at, or one may have since
                bool is_there = pthread_equal(pthread_self(), homes[i]);
                CHECK(!is_there || n_done > 0);
            }
        }
    }
    n_done++;
}

// Keeps the channel going: whoever waits in it gets something.
static void feed(__attribute__((unused)) void *arg)
{
    uint64_t v = 0;
    while (!atomic_load(&must_end) || lg_num_goroutine(host) > 2) {
        lg_chan_send(ch, &v, lg_now(host) + 50000);
        lg_chan_recv(ch, &v, lg_now(host) + 50000);
    }
}

static void wire_all(__attribute__((unused)) void *arg)
{
    ch = spec_chan(host, sizeof(uint64_t), 2);
    for (int i = 0; i < WIRED; i++) {
        spec_go(host, run_wired, (void *)(intptr_t)i);
    }
    for (int i = 0; i < OTHERS; i++) {
        spec_go(host, run_other, (void *)(intptr_t)i);
    }
    lg_ref feeder = spec_go(host, feed, NULL);
    SETTLE(n_done == WIRED);
    atomic_store(&must_end, true);
    lg_g_info info;
    SETTLE(lg_get_info(feeder, &info) == LG_ESRCH);
    CHECK_INT(n_done, WIRED + OTHERS);
    lg_chan_free(ch);
}

static void in_runtime(int procs, void (*fn)(void *arg))
{
    host = load_open(procs);
    spec_main(host, fn, NULL);
}

it("lock_thread", "keeps goroutines on threads of their own, with one P")
{
    in_runtime(1, wire_all);
}

it("lock_thread", "does so with two Ps")
{
    in_runtime(2, wire_all);
}

it("lock_thread", "does so with four Ps")
{
    in_runtime(4, wire_all);
}

static void wire_main(__attribute__((unused)) void *arg)
{
    lg_lock_thread();
    pthread_t home = pthread_self();
    for (int i = 0; i < 20; i++) {
        spec_go(host, run_other, (void *)(intptr_t)i);
        CHECK_OK(lg_yield());
        stay(home);
    }
    atomic_store(&must_end, true);
    uint64_t v = 0;
    while (n_done < 20) {
        lg_chan_send(ch, &v, lg_now(host) + 50000);
        lg_chan_recv(ch, &v, lg_now(host) + 50000);
        stay(home);
    }
}

it("lock_thread of the main goroutine",
   "keeps it where the host drives or not, and again")
{
    for (int i = 0; i < 3; i++) {
        host = load_open(2);
        n_done = 0;
        atomic_store(&must_end, false);
        ch = spec_chan(host, sizeof(uint64_t), 2);
        spec_main(host, wire_main, NULL);
        lg_chan_free(ch);
        spec_close(host);
    }
}

static void sleep_wired(__attribute__((unused)) void *arg)
{
    lg_lock_thread();
    pthread_t home = pthread_self();
    CHECK_OK(lg_sleep_until(lg_now(host) + 700000000)); // sysmon sleeps before
    stay(home);
}

it("lock_thread of who sleeps for long", "leaves somebody to the timers, with one P")
{
    in_runtime(1, sleep_wired);
}

it("lock_thread of who sleeps for long", "does so with two Ps")
{
    in_runtime(2, sleep_wired);
}

static void wait_wired(__attribute__((unused)) void *arg)
{
    lg_lock_thread();
    lg_park_arm();
    lg_park("chan receive", LG_NEVER);
}

it("lock_thread of who waits for ever", "hides no deadlock")
{
    host = load_open(2);
    lg_ref ref = spec_go(host, wait_wired, NULL);
    CHECK_CODE(lg_drive(host, ref), LG_EDEADLOCK);
    spec_leave(host);
}

static void leave_wired(__attribute__((unused)) void *arg)
{
    spec_go(host, wait_wired, NULL);
    SETTLE(spec_waiting(host, "chan receive") == 1);
}

it("lock_thread of who waits when the runtime closes", "is no hindrance")
{
    in_runtime(2, leave_wired);
    spec_leave(host);
}

// -- strands --

static struct interpreter interpreters[2];

static int stay_in_strand(struct script *script, int result)
{
    SCRIPT_BEGIN
    lg_lock_thread();
    script->words[0] = (uint64_t)pthread_self();
    for (script->round = 0; script->round < 100; script->round++) {
        SCRIPT_AWAIT(lg_yield())
        stay((pthread_t)script->words[0]);
        SCRIPT_AWAIT(lg_sleep_until(lg_now(host) + 1000))
        stay((pthread_t)script->words[0]);
        SCRIPT_KEEP(lg_sleep_until(lg_now(host) + 1000))
        stay((pthread_t)script->words[0]);
    }
    n_done++;
    SCRIPT_END
}

static void await_strands(__attribute__((unused)) void *arg)
{
    SETTLE(n_done == 4);
}

it("lock_thread of scripted goroutines", "wires their strands")
{
    host = load_open(2);
    for (int i = 0; i < 2; i++) {
        lg_strand *strand = script_strand(host, &interpreters[i]);
        script_go(strand, stay_in_strand, NULL);
        script_go(strand, stay_in_strand, NULL);
    }
    spec_main(host, await_strands, NULL);
}

static pthread_t first_thread;
static bool is_for_first; // the host's thread, or any other
static lg_ticket parked;

static int park_wired(struct script *script, int result)
{
    SCRIPT_BEGIN
    while (pthread_equal(pthread_self(), first_thread) != is_for_first) {
        SCRIPT_AWAIT(lg_sleep_until(lg_now(host) + 50000))
    }
    lg_lock_thread();
    parked = lg_park_arm();
    SCRIPT_AWAIT(lg_park("the host", LG_NEVER))
    SCRIPT_END
}

static void await_parked(__attribute__((unused)) void *arg)
{
    while (spec_waiting(host, "the host") == 0) {
        CHECK_OK(lg_sleep_until(lg_now(host) + 50000));
    }
}

static lg_strand *park_strand(bool on_first)
{
    host = load_open(2);
    first_thread = pthread_self();
    is_for_first = on_first;
    interpreters[0] = (struct interpreter){0};
    lg_strand *strand = script_strand(host, &interpreters[0]);
    script_go(strand, park_wired, NULL);
    spec_main(host, await_parked, NULL);
    return strand;
}

static bool has_passed_on(void)
{
    lg__lock(&host->lock, RANK_SCHED);
    bool has_passed = host->driver_m.wired_run != NULL;
    lg__unlock(&host->lock, RANK_SCHED);
    return has_passed;
}

// Wakes it where its thread does not drive: there it stands until that does.
static void ready_passed_on(void)
{
    CHECK(lg_ready(parked));
    SETTLE(has_passed_on());
}

it("strand_close of one wired to a thread that does not drive",
   "takes it back from there")
{
    lg_strand *strand = park_strand(true);
    ready_passed_on();
    lg_strand_close(strand);
    CHECK_INT(lg_num_goroutine(host), 0);
}

it("strand_close of one wired to a thread that does not drive",
   "does so when the others have stopped")
{
    lg_strand *strand = park_strand(true);
    ready_passed_on();
    lg_stop(host);
    lg_strand_close(strand);
    CHECK_INT(lg_num_goroutine(host), 0);
}

it("lock_thread of who waits when its thread ends", "ends with that")
{
    lg_strand *strand = park_strand(false);
    CHECK(strand->home);
    lg_stop(host);
    CHECK(!strand->home);
    lg_strand_close(strand);
    CHECK_INT(lg_num_goroutine(host), 0);
}

it("unlock_thread of who is not wired", "says so", .procs = 1)
{
    CHECK_CODE(lg_unlock_thread(), LG_EPERM);
}
