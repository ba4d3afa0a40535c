// SPDX-License-Identifier: MIT
//
// Where a thread is not suspended, seen through the world that waits for it.
#include "os/suspend.h"

#include <pthread.h>

#include "load.h"
#include "os/lock.h"
#include "sched/world.h"

static _Atomic bool must_end;
static _Atomic int nended;
static _Atomic uint64_t count;

static void end_hog(void)
{
    atomic_store(&must_end, true);
    SETTLE(atomic_load(&nended) == 1);
}

static struct lock lock;
static _Atomic bool is_held;

static void hold(void (*enter)(void), void (*leave)(void))
{
    while (!atomic_load_explicit(&must_end, memory_order_relaxed)) {
        enter();
        atomic_store_explicit(&is_held, true, memory_order_relaxed);
        for (volatile int i = 0; i < 3000; i++) {
        }
        atomic_store_explicit(&is_held, false, memory_order_relaxed);
        leave();
        atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
        for (volatile int i = 0; i < 2000; i++) {
        }
    }
    atomic_fetch_add(&nended, 1);
}

// On a busy machine each round waits for the other thread to get a CPU.
#define ENOUGH_NS INT64_C(3000000000)

static void stop_while_held(void *rt)
{
    SETTLE(atomic_load(&count) > 0);
    int64_t end_ns = spec_host_now_ns() + ENOUGH_NS;
    for (int i = 0; i < spec_rounds(200) && spec_host_now_ns() < end_ns; i++) {
        lg__world_stop(rt);
        CHECK(!atomic_load_explicit(&is_held, memory_order_relaxed));
        lg__world_start(rt);
        SETTLE(atomic_load(&is_held));
    }
    end_hog();
}

static void lock_it(void) LG_UNCHECKED_LOCKING
{
    lg__lock(&lock, RANK_TIMERS);
}

static void unlock_it(void) LG_UNCHECKED_LOCKING
{
    lg__unlock(&lock, RANK_TIMERS);
}

static void hold_lock(__attribute__((unused)) void *arg)
{
    hold(lock_it, unlock_it);
}

it("world.stop with a lock held", "waits until it is open")
{
    load_beside(hold_lock, stop_while_held);
}

static void be_busy(__attribute__((unused)) void *arg)
{
    hold(lg__nostop_enter, lg__nostop_leave);
}

it("world.stop with a goroutine that must not be suspended", "waits until it is out")
{
    load_beside(be_busy, stop_while_held);
}

static _Atomic uint64_t first;
static _Atomic uint64_t second;

LG_NOSTOP static void count_both(void)
{
    atomic_fetch_add_explicit(&first, 1, memory_order_relaxed);
    for (volatile int i = 0; i < 1000; i++) {
    }
    atomic_fetch_add_explicit(&second, 1, memory_order_relaxed);
}

static void count_both_for_ever(__attribute__((unused)) void *arg)
{
    while (!atomic_load_explicit(&must_end, memory_order_relaxed)) {
        count_both();
        for (volatile int i = 0; i < 1000; i++) {
        }
        atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    }
    atomic_fetch_add(&nended, 1);
}

static void stop_both(void *rt)
{
    SETTLE(atomic_load(&count) > 0);
    int64_t end_ns = spec_host_now_ns() + ENOUGH_NS;
    for (int i = 0; i < spec_rounds(200) && spec_host_now_ns() < end_ns; i++) {
        lg__world_stop(rt);
        CHECK_INT(atomic_load(&first), atomic_load(&second));
        lg__world_start(rt);
        uint64_t seen = atomic_load(&count);
        SETTLE(atomic_load(&count) != seen);
    }
    end_hog();
}

it("world.stop in a function marked LG_NOSTOP", "waits until it is over")
{
    load_beside(count_both_for_ever, stop_both);
}

// ---------------------------------------------------------------------------
// Locks whose holder is suspended
// ---------------------------------------------------------------------------

enum { ELEM_BYTES = 60000 };

static lg_chan *wide; // copying an element takes a while, under the channel's lock
static char elem_in[ELEM_BYTES];

static void send_for_ever(__attribute__((unused)) void *arg)
{
    while (!atomic_load_explicit(&must_end, memory_order_relaxed)) {
        static char elem_out[ELEM_BYTES];
        lg_chan_send(wide, elem_in, 0);
        lg_chan_recv(wide, elem_out, 0);
        atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    }
    atomic_fetch_add(&nended, 1);
}

// On the scheduler's stack, where nothing is suspended that does not wait.
static void look_on_timer(__attribute__((unused)) void *arg)
{
    char *seen = malloc(ELEM_BYTES);
    if (lg_chan_recv(wide, seen, 0) == LG_OK) {
        lg_chan_send(wide, seen, 0);
    }
    free(seen);
}

static void stop_senders(void *rt)
{
    lg_timer timers[3] = {0};
    wide = spec_chan(rt, ELEM_BYTES, 4);
    for (int i = 0; i < 3; i++) {
        lg_timer_init(&timers[i], rt, NULL, look_on_timer, NULL);
        CHECK_OK(lg_timer_start(&timers[i], lg_now(rt), 30000));
    }
    spec_go(rt, send_for_ever, NULL);
    for (int i = 0; i < spec_rounds(400); i++) {
        lg__world_stop(rt);
        uint64_t before = atomic_load(&count);
        for (volatile int j = 0; j < 20000; j++) {
        }
        CHECK_INT(atomic_load(&count), before);
        lg__world_start(rt);
        CHECK_OK(lg_yield());
    }
    end_hog();
    for (int i = 0; i < 3; i++) {
        lg_timer_stop(&timers[i]);
    }
    lg_chan_free(wide);
}

it("world.stop with a channel's lock held", "waits for nobody who waits for it")
{
    for (int procs = 2; load_has_signals() && procs <= 4; procs++) {
        atomic_store(&must_end, false);
        atomic_store(&nended, 0);
        lg_runtime *rt2 = load_open(procs);
        spec_main(rt2, stop_senders, rt2);
        spec_close(rt2);
    }
}

static pthread_mutex_t host_lock = PTHREAD_MUTEX_INITIALIZER;

static void use_host_lock(int pauses)
{
    pthread_mutex_lock(&host_lock);
    for (volatile int i = 0; i < pauses; i++) {
    }
    pthread_mutex_unlock(&host_lock);
}

static void hold_host_lock(__attribute__((unused)) void *arg)
{
    while (!atomic_load_explicit(&must_end, memory_order_relaxed)) {
        use_host_lock(3000);
        atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    }
    atomic_fetch_add(&nended, 1);
}

static void need_host_lock(__attribute__((unused)) void *arg)
{
    use_host_lock(10);
}

static void stop_beside_host_lock(void *rt)
{
    lg_timer timer = {0};
    lg_timer_init(&timer, rt, NULL, need_host_lock, NULL);
    CHECK_OK(lg_timer_start(&timer, lg_now(rt), 20000));
    spec_go(rt, hold_host_lock, NULL);
    SETTLE(atomic_load(&count) > 0);
    int64_t end_ns = spec_host_now_ns() + 2000000000;
    for (int i = 0; i < spec_rounds(200) && spec_host_now_ns() < end_ns; i++) {
        lg__world_stop(rt);
        uint64_t before = atomic_load(&count);
        for (volatile int j = 0; j < 20000; j++) {
        }
        CHECK_INT(atomic_load(&count), before);
        lg__world_start(rt);
        CHECK_OK(lg_yield());
    }
    end_hog();
    lg_timer_stop(&timer);
}

it("world.stop with a lock of the host's held", "lets its holder go on until it is open")
{
    if (load_has_signals()) {
        lg_runtime *rt2 = load_open(3);
        spec_main(rt2, stop_beside_host_lock, rt2);
    }
}
