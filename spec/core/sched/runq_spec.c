// SPDX-License-Identifier: MIT
//
// Run queues, seen from outside: more work than a ring holds, work on the
// global list, and work that hands itself on through runnext.
#include <pthread.h>

#include "spec.h"

enum { MANY = 20000 };

static _Atomic int n_done;
static _Atomic uint8_t n_runs[MANY];
static lg_chan *there;
static lg_chan *back;
static _Atomic bool may_stop;

static void run_once(void *arg)
{
    CHECK_INT(n_runs[(intptr_t)arg]++, 0);
    n_done++;
}

static void overflow(lg_runtime *rt)
{
    int n = spec_has_tsan() ? 4000 : MANY;
    for (intptr_t i = 0; i < n; i++) {
        spec_go(rt, run_once, (void *)i);
    }
    SETTLE(n_done == n);
    for (int i = 0; i < n; i++) {
        CHECK_INT(n_runs[i], 1);
    }
}

it("run queue of one P", "overflows without losing any", .procs = 1)
{
    overflow(rt);
}

it("run queues of 4 Ps", "overflow and are stolen from without losing any", .procs = 4)
{
    overflow(rt);
}

static void pong(__attribute__((unused)) void *arg)
{
    int value;
    while (lg_chan_recv(there, &value, LG_NEVER) == LG_OK) {
        CHECK_OK(lg_chan_send(back, &value, LG_NEVER));
    }
}

static void ping(__attribute__((unused)) void *arg)
{
    int value = 0;
    while (!may_stop) {
        CHECK_OK(lg_chan_send(there, &value, LG_NEVER));
        CHECK_OK(lg_chan_recv(back, &value, LG_NEVER));
    }
    CHECK_OK(lg_chan_close(there));
}

static void stop(__attribute__((unused)) void *arg)
{
    may_stop = true;
}

it("a pair that hands the P to and fro", "does not starve the third", .procs = 1)
{
    there = spec_chan(rt, sizeof(int), 0);
    back = spec_chan(rt, sizeof(int), 0);
    spec_go(rt, pong, NULL);
    spec_go(rt, ping, NULL);
    spec_go(rt, stop, NULL);
    SETTLE(lg_num_goroutine(rt) == 1);
    lg_chan_free(there);
    lg_chan_free(back);
}

static void *start_from_outside(void *arg)
{
    for (intptr_t i = 0; i < 1000; i++) {
        CHECK_OK(lg_go(arg, run_once, (void *)i, NULL, NULL));
    }
    return NULL;
}

static void yield_until_done(__attribute__((unused)) void *arg)
{
    while (n_done < 1000) {
        CHECK_OK(lg_yield());
    }
}

static void yield_until_alone(void *arg)
{
    while (n_done < 1000 || lg_num_goroutine(arg) > 1) {
        CHECK_OK(lg_yield());
    }
}

it("a goroutine that a thread of the host starts",
   "runs although the P always has work of its own")
{
    lg_runtime *host = spec_open(1);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, start_from_outside, host), 0);
    spec_go(host, yield_until_done, NULL);
    spec_main(host, yield_until_alone, host);
    CHECK_INT(pthread_join(thread, NULL), 0);
}
