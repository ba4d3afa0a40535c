// SPDX-License-Identifier: MIT
//
// Closing a strand while a thread of the host wakes its goroutines, at every
// distance from each other.
#include <pthread.h>

#include "spec.h"

enum { MANY = 8 };

static lg_ticket tickets[MANY];
static _Atomic int n_tickets;
static _Atomic bool may_go_on;

// All park but the last, whose extra says so.
static int resume(lg_strand *strand, lg_g *g, void *extra, bool has_wait)
{
    (void)strand;
    if (has_wait) {
        lg_wait_finish(g);
        return LG_OK;
    }
    if (*(int *)extra) {
        return LG_OK;
    }
    tickets[n_tickets++] = lg_park_arm();
    return lg_park("the host", LG_NEVER);
}

static const lg_strand_ops ops = {.resume = resume};

static void *wake_all(__attribute__((unused)) void *arg)
{
    while (!may_go_on) {
    }
    for (int i = 0; i < MANY; i++) {
        lg_ready(tickets[i]);
    }
    return NULL;
}

static void dawdle(uint32_t n)
{
    for (volatile uint32_t i = 0; i < n; i++) {
    }
}

static void nothing(__attribute__((unused)) void *arg)
{
}

static void close_while_woken(lg_runtime *host, struct spec_random *random)
{
    lg_strand *strand = NULL;
    lg_ref last = {0};
    n_tickets = 0;
    may_go_on = false;
    CHECK_OK(lg_strand_open(host, &ops, NULL, &strand));
    for (int i = 0; i <= MANY; i++) {
        void *extra = NULL;
        CHECK_OK(lg_strand_go(strand, NULL, &last, &extra));
        *(int *)extra = i == MANY;
    }
    lg_hold(host); // the parked ones are no deadlock
    CHECK_OK(lg_drive(host, last));
    lg_release(host);
    pthread_t waker;
    CHECK_INT(pthread_create(&waker, NULL, wake_all, NULL), 0);
    dawdle(spec_random_below(random, 300));
    may_go_on = true;
    dawdle(spec_random_below(random, 300));
    lg_strand_close(strand);
    CHECK_INT(pthread_join(waker, NULL), 0);
    CHECK_INT(lg_num_goroutine(host), 0);
    spec_main(host, nothing, NULL); // what is left in a queue would run now
}

it("strand_close while a thread of the host wakes its goroutines",
   "waits for it, and leaves nothing", .limit_s = 30)
{
    for (int procs = 1; procs <= 4; procs *= 2) {
        struct spec_random random = spec_random_new((uint64_t)procs);
        lg_runtime *host = spec_open(procs);
        int rounds = spec_rounds(250);
        for (int i = 0; i < rounds; i++) {
            close_while_woken(host, &random);
        }
        spec_close(host);
    }
}
