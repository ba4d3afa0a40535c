// SPDX-License-Identifier: MIT
//
// Readers beside writers, large requests beside small ones, signals and wait groups: what
// several want all the time is shared.
#include "shares.h"

enum { LEAST = 300, UNITS = 8 };

static lg_runtime *host;
static struct shares shares;
static lg_rwmutex rwmutex;
static lg_semaphore semaphore;
static lg_mutex mutex;
static lg_cond cond;
static lg_waitgroup group;
static int64_t guarded;
static _Atomic int n_in;
static _Atomic int n_waiting;

static void start(void (*fn)(void *arg), intptr_t first, intptr_t end)
{
    for (intptr_t i = first; i < end; i++) {
        spec_go(host, fn, (void *)i);
    }
}

static void contend(int procs, bool has_signals, void (*fn)(void *arg))
{
    host = shares_open(procs, has_signals);
    spec_main(host, fn, NULL);
}

// ---------------------------------------------------------------------------
// Readers and writers
// ---------------------------------------------------------------------------

// There is always one inside when another leaves, unless a writer comes in between.
static void read_on(void *arg)
{
    bool goes_on = true;
    while (goes_on) {
        CHECK_OK(lg_rwmutex_rlock(&rwmutex, LG_NEVER));
        int64_t before = guarded;
        CHECK_OK(lg_yield());
        CHECK_INT(guarded, before);
        goes_on = shares_take(&shares, (int)(intptr_t)arg);
        CHECK_OK(lg_rwmutex_runlock(&rwmutex));
    }
    shares.nended++;
}

static void write_on(void *arg)
{
    bool goes_on = true;
    while (goes_on) {
        CHECK_OK(lg_rwmutex_lock(&rwmutex, LG_NEVER));
        int64_t before = guarded++;
        CHECK_OK(lg_yield());
        CHECK_INT(guarded, before + 1);
        goes_on = shares_take(&shares, (int)(intptr_t)arg);
        CHECK_OK(lg_rwmutex_unlock(&rwmutex));
    }
    shares.nended++;
}

static void one_writer(__attribute__((unused)) void *arg)
{
    shares_begin(&shares, 7, spec_rounds(LEAST));
    start(read_on, 0, 6);
    start(write_on, 6, 7);
    shares_check(&shares, 7);
}

static void one_reader(__attribute__((unused)) void *arg)
{
    shares_begin(&shares, 7, spec_rounds(LEAST));
    start(write_on, 0, 6);
    start(read_on, 6, 7);
    shares_check(&shares, 7);
}

it("rwmutex.lock beside six that read all the time", "has its share on one P",
   .limit_s = 60)
{
    contend(1, true, one_writer);
}

it("rwmutex.lock beside six that read all the time", "has its share on four Ps",
   .limit_s = 60)
{
    contend(4, false, one_writer);
}

it("rwmutex.rlock beside six that write all the time", "has its share on one P",
   .limit_s = 60)
{
    contend(1, true, one_reader);
}

it("rwmutex.rlock beside six that write all the time", "has its share on four Ps",
   .limit_s = 60)
{
    contend(4, false, one_reader);
}

// ---------------------------------------------------------------------------
// Semaphores
// ---------------------------------------------------------------------------

// The first wants everything.
static void acquire_on(void *arg)
{
    int who = (int)(intptr_t)arg;
    struct spec_random random = spec_random_new((uint64_t)who);
    bool goes_on = true;
    while (goes_on) {
        int units = who == 0 ? UNITS : 1 + (int)spec_random_below(&random, 3);
        CHECK_OK(lg_semaphore_acquire(&semaphore, units, LG_NEVER));
        n_in += units;
        CHECK(n_in <= UNITS);
        CHECK_OK(lg_yield());
        n_in -= units;
        goes_on = shares_take(&shares, who);
        CHECK_OK(lg_semaphore_release(&semaphore, units));
    }
    shares.nended++;
}

static void all_and_few(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_semaphore_init(&semaphore, UNITS));
    shares_begin(&shares, 7, spec_rounds(LEAST));
    start(acquire_on, 0, 7);
    shares_check(&shares, 7);
    CHECK_OK(lg_semaphore_acquire(&semaphore, UNITS, 0));
}

it("semaphore.acquire of all units beside six small requests", "has its share on one P",
   .limit_s = 60)
{
    contend(1, true, all_and_few);
}

it("semaphore.acquire of all units beside six small requests", "has its share on four Ps",
   .limit_s = 60)
{
    contend(4, false, all_and_few);
}

// ---------------------------------------------------------------------------
// Conditions
// ---------------------------------------------------------------------------

static void wait_on(void *arg)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    while (!shares_is_over(&shares)) {
        n_waiting++;
        CHECK_OK(lg_cond_wait(&cond, &mutex, LG_NEVER));
        n_waiting--;
        shares_take(&shares, (int)(intptr_t)arg);
    }
    CHECK_OK(lg_mutex_unlock(&mutex));
    shares.nended++;
}

static void signal_on(__attribute__((unused)) void *arg)
{
    shares_begin(&shares, 6, spec_rounds(LEAST));
    start(wait_on, 0, 6);
    while (shares.nended < 6) {
        CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
        if (shares_is_over(&shares)) {
            lg_cond_broadcast(&cond);
        } else if (n_waiting > 0) {
            lg_cond_signal(&cond);
        }
        CHECK_OK(lg_mutex_unlock(&mutex));
        CHECK_OK(lg_yield());
    }
    shares_check(&shares, 6);
}

it("cond.signal", "comes to each waiter on one P", .limit_s = 60)
{
    contend(1, true, signal_on);
}

it("cond.signal", "comes to each waiter on four Ps", .limit_s = 60)
{
    contend(4, false, signal_on);
}

// ---------------------------------------------------------------------------
// Wait groups
// ---------------------------------------------------------------------------

static void wait_for_group(void *arg)
{
    CHECK_OK(lg_waitgroup_wait(&group, LG_NEVER));
    shares_take(&shares, (int)(intptr_t)arg);
    n_in--;
}

// Each has waited as often as there were rounds.
static void release_all(__attribute__((unused)) void *arg)
{
    int rounds = spec_rounds(100);
    shares_begin(&shares, 8, rounds);
    for (int i = 0; i < rounds; i++) {
        n_in = 8;
        CHECK_OK(lg_waitgroup_add(&group, 1));
        start(wait_for_group, 0, 8);
        SETTLE(spec_waiting(host, "waitgroup wait") == 8);
        CHECK_OK(lg_waitgroup_add(&group, -1));
        SETTLE(n_in == 0);
    }
    for (int i = 0; i < 8; i++) {
        CHECK_INT(shares.got[i], rounds);
    }
}

it("waitgroup.add to zero", "releases all at once, each time", .limit_s = 60)
{
    contend(4, false, release_all);
}
