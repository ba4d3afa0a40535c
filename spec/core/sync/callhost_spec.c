// SPDX-License-Identifier: MIT
//
// Calls on the host's thread, from goroutines of every kind.
#include <sys/syscall.h>
#include <unistd.h>

#include "load.h"
#include "script.h"

enum { CALLERS = 12 };

static lg_runtime *host;
static long host_thread;
static _Atomic int n_calls;
static _Atomic int n_done;
static _Atomic int n_away;
static lg_chan *ch;

// The system's: to compilers pthread_self() is a constant.
static __attribute__((noinline)) long thread_now(void)
{
    return syscall(SYS_gettid);
}

static void on_host(void *arg)
{
    CHECK_INT(thread_now(), host_thread);
    if (arg) {
        CHECK_OK(lg_yield());
        CHECK_INT(thread_now(), host_thread);
        CHECK_OK(lg_sleep_until(lg_now(host) + 1000));
        CHECK_INT(thread_now(), host_thread);
        uint64_t value = 1;
        CHECK_OK(lg_chan_send(ch, &value, LG_NEVER));
        CHECK_OK(lg_chan_recv(ch, &value, LG_NEVER));
        CHECK_INT(thread_now(), host_thread);
        CHECK_OK(lg_call_on_host(on_host, NULL)); // is there already
    }
    n_calls++;
}

static void call_often(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(intptr_t)arg);
    for (int round = 0; round < spec_rounds(30); round++) {
        CHECK_OK(lg_call_on_host(on_host, spec_random_below(&random, 2) ? host : NULL));
        n_away += thread_now() != host_thread;
        if (spec_random_below(&random, 4) == 0) {
            lg_yield();
        }
    }
    n_done++;
}

static void call_wired(void *arg)
{
    lg_lock_thread();
    long home = thread_now();
    call_often(arg);
    CHECK_INT(thread_now(), home);
    CHECK_OK(lg_unlock_thread());
}

static int call_scripted(struct script *script, int result)
{
    SCRIPT_BEGIN
    for (script->round = 0; script->round < 10; script->round++) {
        SCRIPT_CALL(lg_call_on_host(on_host, script->round % 2 ? host : NULL))
        CHECK_OK(result);
    }
    n_done++;
    SCRIPT_END
}

static struct interpreter interpreter;

static void open_host(int procs)
{
    host_thread = thread_now();
    n_calls = n_done = 0;
    host = load_open(procs);
    ch = spec_chan(host, sizeof(uint64_t), CALLERS + 10);
}

// Any mixture of callers, driven by updates until all have ended.
static void call_from_all(int procs)
{
    open_host(procs);
    lg_strand *strand = script_strand(host, &interpreter);
    script_go(strand, call_scripted, NULL);
    script_go(strand, call_scripted, NULL);
    for (int i = 0; i < CALLERS; i++) {
        spec_go(host, i % 4 ? call_often : call_wired, (void *)(intptr_t)i);
    }
    while (n_done < CALLERS + 2 || lg_num_goroutine(host) > 0) {
        CHECK_OK(lg_update(host, 1000000, NULL));
    }
    CHECK_INT(interpreter.inside, 0);
    lg_strand_close(strand);
    lg_chan_free(ch);
    spec_close(host);
}

it("call_on_host", "runs on the thread that updates, one P", .limit_s = 60)
{
    call_from_all(1);
}

it("call_on_host", "runs on the thread that updates, several Ps", .limit_s = 60)
{
    call_from_all(3);
}

static void call_and_leave(__attribute__((unused)) void *arg)
{
    while (n_away == 0) { // of a driver that is apart nobody stays there
        CHECK_OK(lg_call_on_host(on_host, NULL));
        n_away += thread_now() != host_thread;
    }
}

it("call_on_host", "runs on the thread that drives, and comes back")
{
    open_host(2);
    spec_main(host, call_and_leave, NULL);
    lg_chan_free(ch);
}

static void call_canceled(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_cancel(lg_self()));
    CHECK_CODE(lg_call_on_host(on_host, NULL), LG_ECANCELED);
    CHECK_INT(n_calls, 0);
    CHECK_OK(lg_call_on_host(on_host, NULL));
    CHECK_INT(n_calls, 1);
}

it("call_on_host of a goroutine that was canceled", "calls nobody")
{
    open_host(2);
    spec_main(host, call_canceled, NULL);
    lg_chan_free(ch);
}

it("call_on_host outside a goroutine", "is fatal",
   .dies = "a blocking call outside a goroutine")
{
    host = spec_open(1);
    lg_call_on_host(on_host, NULL);
}

// A chunk of a loop that was begun there, on a helper, wants to be there: the caller waits
// for it and makes room.
static void chunk(__attribute__((unused)) void *arg, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        CHECK_OK(lg_call_on_host(on_host, i % 2 ? host : NULL));
        n_done++;
    }
}

static void loop_there(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_parallel_for(host, 40, 1, chunk, NULL));
}

static void loop_on_host(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_call_on_host(loop_there, NULL));
    CHECK_OK(lg_parallel_for(host, 40, 1, chunk, NULL));
}

it("a loop on the host's thread", "has chunks that are called there")
{
    open_host(3);
    spec_main(host, loop_on_host, NULL);
    CHECK_INT(n_done, 80);
    CHECK_OK(lg_parallel_for(host, 40, 1, chunk, NULL)); // from outside
    CHECK_INT(n_done, 120);
    lg_chan_free(ch);
}
