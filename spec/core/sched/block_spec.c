// SPDX-License-Identifier: MIT
//
// Blocking calls: what a goroutine does between lg_block_enter() and leave holds nobody
// up, and neither does what blocks a thread without them.
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "load.h"
#include "script.h"

enum { MANY = 60 };

static lg_runtime *host;
static int pipes[MANY][2];
static _Atomic int n_done;

static void open_pipe(int i)
{
    CHECK_INT(pipe(pipes[i]), 0);
}

static void close_pipe(int i)
{
    close(pipes[i][0]);
    close(pipes[i][1]);
}

// Blocks the thread until somebody writes.
static void await_byte(int i)
{
    char byte;
    while (read(pipes[i][0], &byte, 1) < 0) {
        CHECK_INT(errno, EINTR);
    }
}

static void write_byte(int i)
{
    CHECK_INT(write(pipes[i][1], "x", 1), 1);
}

static void write_first(__attribute__((unused)) void *arg)
{
    n_done++;
    write_byte(0);
}

static void in_runtime(int procs, void (*fn)(void *arg))
{
    host = load_open(procs);
    open_pipe(0);
    spec_main(host, fn, NULL);
    close_pipe(0);
}

it("block.enter and leave", "change nothing for who is alone", .procs = 1)
{
    for (int i = 0; i < 1000; i++) {
        lg_block_enter();
        lg_block_leave();
    }
    CHECK_OK(lg_yield());
    CHECK_OK(lg_sleep_until(lg_now(rt) + 1000));
}

it("block.enter and leave", "keep errno", .procs = 2)
{
    errno = 1234;
    lg_block_enter();
    CHECK_INT(errno, 1234);
    lg_block_leave();
    CHECK_INT(errno, 1234);
}

it("block.enter and leave", "do nothing outside a goroutine")
{
    lg_block_enter();
    lg_block_leave();
    lg_block_leave();
    lg_stand_aside();
}

it("block.leave without its enter", "is fatal", .procs = 1,
   .dies = "lg_block_leave() without lg_block_enter()")
{
    lg_block_leave();
}

it("block.enter with a wait before its leave", "is fatal", .procs = 1,
   .dies = "a wait between lg_block_enter() and lg_block_leave()")
{
    lg_block_enter();
    lg_sleep_until(lg_now(rt) + 1000);
}

static void block_beside_queued(__attribute__((unused)) void *arg)
{
    spec_go(host, write_first, NULL);
    lg_block_enter();
    lg_block_enter();
    errno = 4321;
    await_byte(0);
    errno = 4321;
    lg_block_leave();
    lg_block_leave();
    CHECK_INT(errno, 4321);
    CHECK_INT(n_done, 1);
    CHECK_OK(lg_yield());
}

it("yield between enter and leave", "is fatal", .procs = 1,
   .dies = "a wait between lg_block_enter() and lg_block_leave()")
{
    lg_block_enter();
    lg_yield();
}

it("block.enter with somebody queued", "lets it run, with one P")
{
    in_runtime(1, block_beside_queued);
}

static void write_later(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_sleep_until(lg_now(host) + 2000000));
    write_first(NULL);
}

static void block_beside_sleeper(__attribute__((unused)) void *arg)
{
    spec_go(host, write_later, NULL);
    CHECK_OK(lg_yield());
    lg_block_enter();
    await_byte(0);
    lg_block_leave();
    CHECK_INT(n_done, 1);
}

it("block.enter with somebody who wakes later", "lets it run, with one P")
{
    in_runtime(1, block_beside_sleeper);
}

static void write_much_later(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_sleep_until(lg_now(host) + 700000000)); // sysmon sleeps before
    write_first(NULL);
}

static void compute_for_ms(int64_t ms)
{
    int64_t end_ns = spec_host_now_ns() + ms * 1000000;
    while (spec_host_now_ns() < end_ns) {
    }
}

static void block_asked_to_make_room(__attribute__((unused)) void *arg)
{
    spec_go(host, write_much_later, NULL);
    CHECK_OK(lg_yield());
    compute_for_ms(40);
    lg_block_enter(); // gives its P up, for nobody
    await_byte(0);
    lg_block_leave();
    CHECK_INT(n_done, 1);
}

it("block.enter by who has been asked to make room", "leaves somebody to the timers")
{
    in_runtime(1, block_asked_to_make_room);
}

static void block_unsaid(__attribute__((unused)) void *arg)
{
    spec_go(host, write_later, NULL);
    CHECK_OK(lg_yield());
    await_byte(0);
    CHECK_INT(n_done, 1);
    CHECK_OK(lg_yield());
    CHECK_INT(lg_procs(host), 1);
}

it("a thread that blocks without a word", "loses its place, with one P")
{
    in_runtime(1, block_unsaid);
}

static _Atomic bool must_end;

static void compute(__attribute__((unused)) void *arg)
{
    while (!atomic_load_explicit(&must_end, memory_order_relaxed)) {
    }
    n_done++;
}

static void yield_beside_hogs(__attribute__((unused)) void *arg)
{
    for (int i = 0; i < 3; i++) {
        spec_go(host, compute, NULL);
    }
    for (int i = 0; i < 50; i++) {
        CHECK_OK(lg_yield());
    }
    atomic_store(&must_end, true);
    SETTLE(n_done == 3);
}

it("goroutines that never enter the runtime", "lose their places to those that do")
{
    in_runtime(1, yield_beside_hogs);
}

it("goroutines that never enter the runtime", "lose their places on two Ps, too")
{
    in_runtime(2, yield_beside_hogs);
}

static void try_for_ever(void *arg)
{
    lg_chan *ch = arg;
    uint64_t v = 0;
    while (!atomic_load_explicit(&must_end, memory_order_relaxed)) {
        CHECK_OK(lg_chan_send(ch, &v, LG_NEVER));
        CHECK_OK(lg_chan_recv(ch, &v, LG_NEVER));
    }
    n_done++;
}

static void yield_beside_busy(__attribute__((unused)) void *arg)
{
    lg_chan *chans[3];
    for (int i = 0; i < 3; i++) {
        chans[i] = spec_chan(host, sizeof(uint64_t), 4);
        spec_go(host, try_for_ever, chans[i]);
    }
    for (int i = 0; i < 20; i++) {
        CHECK_OK(lg_yield());
    }
    atomic_store(&must_end, true);
    SETTLE(n_done == 3);
    for (int i = 0; i < 3; i++) {
        lg_chan_free(chans[i]);
    }
}

it("goroutines that enter the runtime and never wait",
   "make room when their slice is over")
{
    in_runtime(1, yield_beside_busy);
}

static void await_own(void *arg)
{
    int i = (int)(intptr_t)arg;
    lg_block_enter();
    await_byte(i);
    lg_block_leave();
    n_done++;
}

static void block_many(__attribute__((unused)) void *arg)
{
    for (int i = 1; i < MANY; i++) {
        open_pipe(i);
        spec_go(host, await_own, (void *)(intptr_t)i);
    }
    for (int round = 0; round < 3; round++) {
        CHECK_OK(lg_yield());
    }
    for (int i = MANY - 1; i > 0; i--) {
        write_byte(i);
    }
    SETTLE(n_done == MANY - 1);
    for (int i = 1; i < MANY; i++) {
        close_pipe(i);
    }
}

it("block.enter of many at once", "blocks as many threads, and they all come back")
{
    in_runtime(1, block_many);
}

it("block.enter of many at once", "does so on two Ps")
{
    in_runtime(2, block_many);
}

static void block_for_ever(__attribute__((unused)) void *arg)
{
    lg_block_enter();
    await_byte(0);
    lg_block_leave();
    n_done++;
}

static void stop_beside_blocked(__attribute__((unused)) void *arg)
{
    spec_go(host, block_for_ever, NULL);
    CHECK_OK(lg_yield());
    for (int i = 0; i < 20; i++) {
        CHECK_OK(lg_gc(host));
    }
    CHECK_INT(n_done, 0);
    write_byte(0);
    SETTLE(n_done == 1);
}

it("a cycle of the collector", "does not wait for blocking calls, without signals")
{
    host = spec_open(2);
    open_pipe(0);
    spec_main(host, stop_beside_blocked, NULL);
    close_pipe(0);
}

it("a cycle of the collector", "does not wait for blocking calls, with signals")
{
    in_runtime(2, stop_beside_blocked);
}

static void *write_when_idle(__attribute__((unused)) void *arg)
{
    while (spec_stats(host).procs_idle < 2) {
        load_block(1000);
    }
    write_byte(0);
    return NULL;
}

it("block.enter for long", "leaves no P busy, so that sysmon may sleep")
{
    host = load_open(2);
    open_pipe(0);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, write_when_idle, NULL), 0);
    spec_main(host, block_for_ever, NULL);
    CHECK_INT(n_done, 1);
    pthread_join(thread, NULL);
    close_pipe(0);
}

static void wait_for_nothing(__attribute__((unused)) void *arg)
{
    spec_go(host, block_for_ever, NULL);
    CHECK_OK(lg_yield());
    lg_ticket ticket = lg_park_arm();
    (void)ticket;
    CHECK_CODE(lg_park("chan receive", LG_NEVER), LG_OK);
}

static void *write_soon(__attribute__((unused)) void *arg)
{
    load_block(30000);
    write_byte(0);
    return NULL;
}

it("a deadlock behind a blocking call", "is none until the call has returned")
{
    host = load_open(2);
    open_pipe(0);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, write_soon, NULL), 0);
    lg_ref ref = spec_go(host, wait_for_nothing, NULL);
    CHECK_CODE(lg_drive(host, ref), LG_EDEADLOCK);
    CHECK_INT(n_done, 1);
    pthread_join(thread, NULL);
    close_pipe(0);
    spec_leave(host);
}

// --

static void aside(__attribute__((unused)) void *arg)
{
    spec_go(host, write_first, NULL);
    lg_stand_aside();
    await_byte(0);
    CHECK_INT(n_done, 1);
    uint64_t v = 7;
    lg_chan *ch = spec_chan(host, sizeof v, 1);
    CHECK_OK(lg_chan_send(ch, &v, LG_NEVER));
    CHECK_OK(lg_yield());
    lg_chan_free(ch);
}

it("stand_aside", "lets the others go on, and the goroutine too")
{
    in_runtime(1, aside);
}

enum { QUEUED = 10 };

static void do_little(__attribute__((unused)) void *arg)
{
    n_done++;
}

static void fill_queue(void)
{
    for (int i = 0; i < QUEUED; i++) {
        spec_go(host, do_little, NULL);
    }
}

static void hold_queue_aside(__attribute__((unused)) void *arg)
{
    fill_queue();
    lg_stand_aside();
    while (n_done < QUEUED) {
    }
}

static void hold_queue(__attribute__((unused)) void *arg)
{
    fill_queue();
    while (n_done < QUEUED) {
    }
}

static void keep_yielding(__attribute__((unused)) void *arg)
{
    while (n_done < QUEUED) {
        CHECK_OK(lg_yield());
    }
}

// Two that yield to one another: their P is never idle, and would not look elsewhere.
static void yield_beside_aside(void *arg)
{
    spec_go(host, hold_queue_aside, NULL);
    spec_go(host, keep_yielding, NULL);
    keep_yielding(arg);
}

static void yield_beside(void *arg)
{
    spec_go(host, hold_queue, NULL);
    spec_go(host, keep_yielding, NULL);
    keep_yielding(arg);
}

it("stand_aside", "leaves its queue to a P that is busy")
{
    in_runtime(1, yield_beside_aside);
}

it("a P whose goroutine does not leave", "is stolen from by one that is busy")
{
    in_runtime(1, yield_beside);
}

static lg_ticket first_ticket;

static void compute_and_sleep(__attribute__((unused)) void *arg)
{
    while (!atomic_load(&must_end)) {
    }
    compute_for_ms(2); // meanwhile the first thread goes to sleep
    CHECK_OK(lg_sleep_until(lg_now(host) + 1500000000));
    lg_ready(first_ticket);
}

static void wait_aside(__attribute__((unused)) void *arg)
{
    spec_go(host, compute_and_sleep, NULL);
    lg_stand_aside();
    first_ticket = lg_park_arm();
    atomic_store(&must_end, true);
    CHECK_OK(lg_park("the other", LG_NEVER));
}

// The check build sends threads away soon.
it("a thread that ends because nobody needs it", "leaves somebody to the timers")
{
    in_runtime(1, wait_aside);
}

// -- strands --

static struct interpreter interpreter;

static int block_in_strand(struct script *script, int result)
{
    SCRIPT_BEGIN
    lg_block_enter();
    await_byte(0);
    lg_block_leave();
    CHECK_INT(n_done, 1);
    SCRIPT_AWAIT(lg_yield())
    lg_block_enter();
    lg_block_leave();
    n_done++;
    SCRIPT_END
}

static void main_of_strand(__attribute__((unused)) void *arg)
{
    spec_go(host, write_later, NULL);
    SETTLE(n_done == 2);
}

it("block.enter of a scripted goroutine", "keeps its strand and lets the others run")
{
    host = load_open(1);
    open_pipe(0);
    lg_strand *strand = script_strand(host, &interpreter);
    script_go(strand, block_in_strand, NULL);
    spec_main(host, main_of_strand, NULL);
    close_pipe(0);
}

// -- signals --

// Threads are started by whoever finds that one is missing: sysmon, which itself takes
// no signals, among them.
static void await_byte_with_signals(__attribute__((unused)) void *arg)
{
    await_byte(0);
    sigset_t blocked;
    CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
    CHECK(!sigismember(&blocked, SIGINT));
    CHECK(!sigismember(&blocked, SIGTERM));
    n_done++;
}

static void block_on_all_threads(__attribute__((unused)) void *arg)
{
    enum { N = 6 };
    for (int i = 0; i < N; i++) {
        spec_go(host, await_byte_with_signals, NULL);
    }
    SETTLE(spec_stats(host).threads > N); // each of them has one
    for (int i = 0; i < N; i++) {
        write_byte(0);
    }
    SETTLE(n_done == N);
}

it("threads that take the place of blocked ones", "take the signals that the host's does")
{
    if (load_has_signals()) {
        in_runtime(2, block_on_all_threads);
    }
}
