// SPDX-License-Identifier: MIT
//
// Deadlock: every goroutine waits and nothing can wake one.
#include <pthread.h>

#include "script.h"

static lg_chan *ch;
static lg_mutex mutex;
static lg_ticket ticket;
static _Atomic bool is_armed;
static _Atomic int n_done;
static lg_ref main_ref;

static void receive(__attribute__((unused)) void *arg)
{
    main_ref = lg_self();
    int err = lg_chan_recv(ch, NULL, LG_NEVER);
    CHECK(err == LG_OK || err == LG_ECANCELED);
    n_done++;
}

static void lock_twice(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    lg_mutex_lock(&mutex, LG_NEVER);
}

static void select_nothing(__attribute__((unused)) void *arg)
{
    size_t index;
    lg_select(NULL, 0, LG_NEVER, &index);
}

static void sleep_for_ever(__attribute__((unused)) void *arg)
{
    lg_sleep_until(LG_NEVER);
}

static void check_deadlock(int procs, void (*fn)(void *arg))
{
    lg_runtime *host = spec_open(procs);
    spec_leave(host);
    ch = spec_chan(host, 0, 0);
    CHECK_CODE(lg_run(host, fn, NULL), LG_EDEADLOCK);
    CHECK_INT(lg_num_goroutine(host), 1);
    spec_close(host);
}

it("run of a goroutine that nobody will wake", "is a deadlock")
{
    for (int procs = 1; procs <= 4; procs += 3) {
        check_deadlock(procs, receive);
        check_deadlock(procs, lock_twice);
        mutex = (lg_mutex){0};
        check_deadlock(procs, select_nothing);
        check_deadlock(procs, sleep_for_ever);
    }
}

static void many_wait(void *arg)
{
    for (int i = 0; i < 100; i++) {
        spec_go(arg, receive, NULL);
    }
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    lg_mutex_lock(&mutex, LG_NEVER);
}

static void lines_count(void *ud, const char *line)
{
    int *counts = ud;
    counts[0] += strstr(line, "chan receive") != NULL;
    counts[1] += strstr(line, "mutex lock") != NULL;
}

it("run with all goroutines waiting", "is a deadlock, and the dump tells each")
{
    lg_runtime *host = spec_open(4);
    spec_leave(host);
    ch = spec_chan(host, 0, 0);
    CHECK_CODE(lg_run(host, many_wait, host), LG_EDEADLOCK);
    int counts[2] = {0};
    lg_dump(host, lines_count, counts);
    CHECK_INT(counts[0], 100);
    CHECK_INT(counts[1], 1);
    CHECK_INT(lg_num_goroutine(host), 101);
}

it("drive after a deadlock", "goes on when the host has canceled the goroutine")
{
    lg_runtime *host = spec_open(2);
    ch = spec_chan(host, 0, 0);
    CHECK_CODE(lg_run(host, receive, NULL), LG_EDEADLOCK);
    CHECK_OK(lg_cancel(main_ref));
    CHECK_OK(lg_drive(host, main_ref));
    CHECK_INT(n_done, 1);
    lg_chan_free(ch);
}

static void sleep_ten_times(__attribute__((unused)) void *arg)
{
    for (int i = 0; i < 10; i++) {
        CHECK_OK(lg_sleep_until(spec_ms(lg_current(), 1)));
    }
}

it("a pending timer", "is no deadlock")
{
    for (int procs = 1; procs <= 4; procs++) {
        lg_runtime *host = spec_open(procs);
        spec_main(host, sleep_ten_times, NULL);
        spec_close(host);
    }
}

static void fire(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_chan_send(ch, "", 0));
}

static void wait_for_timer(void *arg)
{
    static lg_timer timer;
    ch = spec_chan(arg, 0, 0);
    lg_timer_init(&timer, arg, NULL, fire, NULL);
    CHECK_OK(lg_timer_start(&timer, spec_ms(arg, 20), 0));
    CHECK_OK(lg_chan_recv(ch, NULL, LG_NEVER));
    lg_chan_free(ch);
}

it("a timer that will send", "is no deadlock")
{
    lg_runtime *host = spec_open(2);
    spec_main(host, wait_for_timer, host);
}

static void park_held(__attribute__((unused)) void *arg)
{
    ticket = lg_park_arm();
    is_armed = true;
    CHECK_OK(lg_park("host wait", LG_NEVER));
}

static void *ready_later(void *arg)
{
    SETTLE(is_armed && spec_waiting(arg, "host wait") == 1);
    SETTLE(spec_stats(arg).procs_idle == spec_stats(arg).procs);
    CHECK(lg_ready(ticket));
    return NULL;
}

it("a wait that the host holds", "is no deadlock until it is released")
{
    lg_runtime *host = spec_open(2);
    lg_hold(host);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, ready_later, host), 0);
    spec_main(host, park_held, NULL);
    CHECK_INT(pthread_join(thread, NULL), 0);
    lg_release(host);
}

static void *release_later(void *arg)
{
    SETTLE(spec_waiting(arg, "host wait") == 1);
    lg_release(arg);
    return NULL;
}

it("releasing the last hold while all wait", "is a deadlock")
{
    lg_runtime *host = spec_open(2);
    spec_leave(host);
    lg_hold(host);
    lg_hold(host);
    lg_release(host);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, release_later, host), 0);
    CHECK_CODE(lg_run(host, park_held, NULL), LG_EDEADLOCK);
    CHECK_INT(pthread_join(thread, NULL), 0);
}

it("more releases than holds", "is fatal", .dies = "release", .procs = 1)
{
    lg_hold(rt);
    lg_release(rt);
    lg_release(rt);
}

static struct interpreter interpreter;

static int receive_leaving(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_AWAIT(lg_chan_recv(ch, NULL, LG_NEVER))
    SCRIPT_END
}

static int receive_keeping(struct script *script, int result){
    SCRIPT_BEGIN SCRIPT_KEEP(lg_chan_recv(ch, NULL, LG_NEVER)) SCRIPT_END}

it("scripts that wait, on their C stacks and off them", "are a deadlock")
{
    lg_runtime *host = spec_open(2);
    spec_leave(host);
    ch = spec_chan(host, 0, 0);
    lg_strand *strand = script_strand(host, &interpreter);
    lg_ref ref = script_go(strand, receive_leaving, NULL);
    script_go(strand, receive_keeping, NULL);
    script_go(strand, receive_keeping, NULL);
    CHECK_CODE(lg_drive(host, ref), LG_EDEADLOCK);
    CHECK_INT(lg_num_goroutine(host), 3);
}

static lg_chan *there;
static lg_chan *back;
static int n_rounds;

static void pong(__attribute__((unused)) void *arg)
{
    while (lg_chan_recv(there, NULL, LG_NEVER) == LG_OK) {
        CHECK_OK(lg_chan_send(back, "", LG_NEVER));
    }
}

static void ping(void *arg)
{
    there = spec_chan(arg, 0, 0);
    back = spec_chan(arg, 0, 0);
    spec_go(arg, pong, NULL);
    for (int i = 0; i < n_rounds; i++) {
        CHECK_OK(lg_chan_send(there, "", LG_NEVER));
        CHECK_OK(lg_chan_recv(back, NULL, LG_NEVER));
    }
    CHECK_OK(lg_chan_close(there));
    SETTLE(lg_num_goroutine(arg) == 1);
    lg_chan_free(there);
    lg_chan_free(back);
}

it("a pair that wakes one another on 4 Ps", "is never taken for a deadlock",
   .limit_s = 20)
{
    n_rounds = 50;
    for (int i = 0; i < spec_rounds(500); i++) {
        lg_runtime *host = spec_open(4);
        spec_main(host, ping, host);
        spec_close(host);
    }
    n_rounds = spec_rounds(100000);
    lg_runtime *host = spec_open(4);
    spec_main(host, ping, host);
}
