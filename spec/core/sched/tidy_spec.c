// SPDX-License-Identifier: MIT
//
// The host's part in tidying up: called now and then while something runs, as a
// job is; it hides no deadlock.
#include <pthread.h>

#include "script.h"

static lg_runtime *host;
static struct interpreter interpreter;
static lg_strand *strand;
static lg_chan *ch;
static lg_ref main_ref;
static lg_ticket ticket;
static _Atomic int n_inside;
static _Atomic int n_calls;
static _Atomic int n_wanted; // calls that say there is more
static _Atomic int n_goroutines;
static _Atomic int n_posts;
static _Atomic int n_jobs;

static bool count(void *ud)
{
    CHECK(ud == &n_calls);
    CHECK_INT(n_inside++, 0);
    CHECK(lg_current() == host);
    CHECK_INT(lg_self().id, 0);
    CHECK(!lg_strand_self());
    n_calls++;
    n_inside--;
    return n_calls < n_wanted;
}

static void sleep_until_called(void *arg)
{
    while (n_calls < (int)(intptr_t)arg) {
        CHECK_OK(lg_sleep_until(spec_ms(host, 1)));
    }
}

it("on_tidy", "is called while something runs, one call at a time", .limit_s = 20)
{
    for (int procs = 1; procs <= 4; procs++) {
        host = spec_open(procs);
        n_calls = 0;
        lg_on_tidy(host, count, &n_calls);
        spec_main(host, sleep_until_called, (void *)3);
        spec_close(host);
    }
}

static void compute_until_called(void *arg)
{
    int64_t end_ns = spec_settle_end();
    while (n_calls < (int)(intptr_t)arg) {
        CHECK(spec_host_now_ns() < end_ns);
    }
}

it("on_tidy while a goroutine computes", "is called by another P", .limit_s = 20)
{
    host = spec_open(2);
    lg_on_tidy(host, count, &n_calls);
    spec_main(host, compute_until_called, (void *)3);
}

static void count_goroutine(__attribute__((unused)) void *arg)
{
    n_goroutines++;
}

static void count_post(__attribute__((unused)) lg_post *post)
{
    CHECK(lg_strand_self() == strand);
    n_posts++;
}

static void count_job(__attribute__((unused)) lg_job *job)
{
    n_jobs++;
}

static bool queue_work(__attribute__((unused)) void *ud)
{
    static lg_post post = {.fn = count_post};
    static lg_job job = {.fn = count_job};
    if (n_calls++ < 3) {
        CHECK_OK(lg_go(host, count_goroutine, NULL, NULL, NULL));
        lg_strand_post(strand, &post);
        CHECK_OK(lg_job_start(host, &job));
    }
    return n_calls < 5;
}

static void *wake_main(__attribute__((unused)) void *arg)
{
    SETTLE(n_calls >= 5 && n_goroutines == 3 && n_posts == 3 && n_jobs == 3);
    CHECK(lg_ready(ticket));
    return NULL;
}

static void park_meanwhile(__attribute__((unused)) void *arg)
{
    pthread_t thread;
    lg_on_tidy(host, queue_work, NULL);
    lg_hold(host);
    ticket = lg_park_arm();
    CHECK_INT(pthread_create(&thread, NULL, wake_main, NULL), 0);
    CHECK_OK(lg_park("host wait", LG_NEVER));
    lg_release(host);
    CHECK_INT(pthread_join(thread, NULL), 0);
}

it("on_tidy with more to do", "is called while all sleep, and what it queues runs",
   .limit_s = 20)
{
    for (int procs = 1; procs <= 4; procs++) {
        host = spec_open(procs);
        n_calls = n_goroutines = n_posts = n_jobs = 0;
        strand = script_strand(host, &interpreter);
        spec_main(host, park_meanwhile, NULL);
        spec_close(host);
    }
}

static void wait_in_vain(__attribute__((unused)) void *arg)
{
    main_ref = lg_self();
    CHECK_CODE(lg_chan_recv(ch, NULL, LG_NEVER), LG_ECANCELED);
}

it("on_tidy that always has more to do", "hides no deadlock", .limit_s = 20)
{
    n_wanted = INT32_MAX;
    for (int procs = 1; procs <= 4; procs++) {
        host = spec_open(procs);
        ch = spec_chan(host, 0, 0);
        lg_on_tidy(host, count, &n_calls);
        CHECK_CODE(lg_run(host, wait_in_vain, NULL), LG_EDEADLOCK);
        CHECK_CODE(lg_drive(host, main_ref), LG_EDEADLOCK);
        CHECK_OK(lg_cancel(main_ref));
        CHECK_OK(lg_drive(host, main_ref));
        n_calls = 0;
        spec_main(host, sleep_until_called, (void *)2);
        CHECK_CODE(lg_run(host, wait_in_vain, NULL), LG_EDEADLOCK);
        CHECK_OK(lg_cancel(main_ref));
        CHECK_OK(lg_drive(host, main_ref));
        lg_chan_free(ch);
        spec_close(host);
    }
}

static _Atomic int n_others;

static bool count_other(__attribute__((unused)) void *ud)
{
    n_others++;
    return true;
}

static void change(__attribute__((unused)) void *arg)
{
    sleep_until_called((void *)1);
    lg_on_tidy(host, count_other, NULL);
    while (n_others < 2) { // a call of the former may have begun
        CHECK_OK(lg_sleep_until(spec_ms(host, 1)));
    }
    int before = n_calls;
    while (n_others < 4) {
        CHECK_OK(lg_sleep_until(spec_ms(host, 1)));
    }
    CHECK_INT(n_calls, before);
    lg_on_tidy(host, NULL, NULL);
}

it("on_tidy again", "changes who is called", .limit_s = 20)
{
    host = spec_open(2);
    lg_on_tidy(host, count, &n_calls);
    spec_main(host, change, NULL);
}
