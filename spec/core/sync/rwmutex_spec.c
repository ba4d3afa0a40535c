// SPDX-License-Identifier: MIT
//
// Readers and writers.
#include "spec.h"

static lg_rwmutex lock;
static _Atomic int n_done;
static _Atomic int n_readers;
static _Atomic int n_writers;
static _Atomic bool may_leave;
static _Atomic int turn;
static int turns[16];
static int64_t guarded[2];
static int n_rounds;

static void read_it(void *arg)
{
    CHECK_OK(lg_rwmutex_rlock(&lock, LG_NEVER));
    turns[(intptr_t)arg] = ++turn;
    n_readers++;
    while (!may_leave) {
        CHECK_OK(lg_yield());
    }
    n_readers--;
    CHECK_OK(lg_rwmutex_runlock(&lock));
    n_done++;
}

static void write_it(void *arg)
{
    CHECK_OK(lg_rwmutex_lock(&lock, LG_NEVER));
    turns[(intptr_t)arg] = ++turn;
    CHECK_INT(n_readers, 0);
    CHECK_OK(lg_rwmutex_unlock(&lock));
    n_done++;
}

static void go_and_wait(lg_runtime *rt, void (*fn)(void *arg), intptr_t number)
{
    lg_ref ref = spec_go(rt, fn, (void *)number);
    SETTLE(spec_is_waiting(rt, ref));
}

it("rwmutex", "lets readers in together and keeps writers out", .procs = 2)
{
    for (intptr_t i = 0; i < 5; i++) {
        spec_go(rt, read_it, (void *)i);
    }
    SETTLE(n_readers == 5);
    CHECK_CODE(lg_rwmutex_lock(&lock, 0), LG_EAGAIN);
    CHECK_OK(lg_rwmutex_rlock(&lock, 0));
    CHECK_OK(lg_rwmutex_runlock(&lock));
    may_leave = true;
    SETTLE(n_done == 5);
    CHECK_OK(lg_rwmutex_lock(&lock, 0));
    CHECK_CODE(lg_rwmutex_rlock(&lock, 0), LG_EAGAIN);
    CHECK_CODE(lg_rwmutex_lock(&lock, 0), LG_EAGAIN);
    CHECK_OK(lg_rwmutex_unlock(&lock));
}

it("rwmutex.unlock and runlock", "are refused to those who do not hold it", .procs = 1)
{
    CHECK_CODE(lg_rwmutex_unlock(&lock), LG_EPERM);
    CHECK_CODE(lg_rwmutex_runlock(&lock), LG_EPERM);
    CHECK_OK(lg_rwmutex_rlock(&lock, 0));
    CHECK_CODE(lg_rwmutex_unlock(&lock), LG_EPERM);
    CHECK_OK(lg_rwmutex_runlock(&lock));
    CHECK_OK(lg_rwmutex_lock(&lock, 0));
    CHECK_CODE(lg_rwmutex_runlock(&lock), LG_EPERM);
    CHECK_OK(lg_rwmutex_unlock(&lock));
    CHECK_CODE(lg_rwmutex_unlock(&lock), LG_EPERM);
}

it("rwmutex with a writer waiting", "makes new readers wait behind it", .procs = 2)
{
    CHECK_OK(lg_rwmutex_rlock(&lock, 0));
    go_and_wait(rt, write_it, 1);
    CHECK_CODE(lg_rwmutex_rlock(&lock, 0), LG_EAGAIN);
    may_leave = true;
    go_and_wait(rt, read_it, 2);
    CHECK_OK(lg_rwmutex_runlock(&lock));
    SETTLE(n_done == 2);
    CHECK_INT(turns[1], 1);
    CHECK_INT(turns[2], 2);
}

it("rwmutex.unlock", "lets the readers that wait go before the next writer", .procs = 2)
{
    CHECK_OK(lg_rwmutex_lock(&lock, 0));
    go_and_wait(rt, write_it, 1);
    go_and_wait(rt, read_it, 2);
    go_and_wait(rt, read_it, 3);
    CHECK_OK(lg_rwmutex_unlock(&lock));
    SETTLE(n_readers == 2);
    CHECK_INT(turns[1], 0);
    may_leave = true;
    SETTLE(n_done == 3);
    CHECK_INT(turns[1], 3);
}

static void write_in_vain(void *arg)
{
    int64_t deadline = arg ? spec_ms(lg_current(), 1) : LG_NEVER;
    CHECK_CODE(lg_rwmutex_lock(&lock, deadline), arg ? LG_ETIMEDOUT : LG_ECANCELED);
    n_done++;
}

it("rwmutex.lock that was canceled", "lets the readers behind it go on", .procs = 2)
{
    CHECK_OK(lg_rwmutex_rlock(&lock, 0));
    lg_ref writer = spec_go(rt, write_in_vain, NULL);
    SETTLE(spec_is_waiting(rt, writer));
    go_and_wait(rt, read_it, 1);
    CHECK_OK(lg_cancel(writer));
    SETTLE(n_readers == 1);
    may_leave = true;
    SETTLE(n_done == 2);
    CHECK_OK(lg_rwmutex_runlock(&lock));
    CHECK_OK(lg_rwmutex_lock(&lock, 0));
    CHECK_OK(lg_rwmutex_unlock(&lock));
}

it("rwmutex.lock that timed out", "lets the readers behind it go on", .procs = 2)
{
    CHECK_OK(lg_rwmutex_rlock(&lock, 0));
    spec_go(rt, write_in_vain, rt);
    SETTLE(n_done == 1);
    CHECK_OK(lg_rwmutex_rlock(&lock, 0));
    CHECK_OK(lg_rwmutex_runlock(&lock));
    CHECK_OK(lg_rwmutex_runlock(&lock));
}

static void read_or_write(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)arg);
    for (int i = 0; i < n_rounds; i++) {
        uint32_t choice = spec_random_below(&random, 8);
        int64_t deadline = LG_NEVER;
        if (choice & 1) {
            deadline = lg_now(lg_current()) + spec_random_below(&random, 4000);
        }
        if (choice < 2) {
            if (lg_rwmutex_lock(&lock, deadline) == LG_OK) {
                CHECK_INT(n_writers++, 0);
                CHECK_INT(n_readers, 0);
                CHECK_INT(guarded[0]++, guarded[1]);
                CHECK_OK(lg_yield());
                guarded[1]++;
                n_writers--;
                CHECK_OK(lg_rwmutex_unlock(&lock));
            }
        } else if (lg_rwmutex_rlock(&lock, deadline) == LG_OK) {
            n_readers++;
            CHECK_INT(n_writers, 0);
            CHECK_INT(guarded[0], guarded[1]);
            n_readers--;
            CHECK_OK(lg_rwmutex_runlock(&lock));
        }
    }
    n_done++;
}

it("rwmutex on 4 Ps", "keeps writers alone and readers' view whole", .procs = 4,
   .limit_s = 20)
{
    n_rounds = spec_rounds(10000);
    for (intptr_t i = 0; i < 10; i++) {
        spec_go(rt, read_or_write, (void *)i);
    }
    SETTLE(n_done == 10);
    CHECK_OK(lg_rwmutex_lock(&lock, 0));
    CHECK_OK(lg_rwmutex_unlock(&lock));
}
