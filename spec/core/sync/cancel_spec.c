// SPDX-License-Identifier: MIT
//
// Calls that need not wait, made by a goroutine that is canceled.
#include "spec.h"

static lg_chan *ch;
static lg_mutex mutex;
static lg_rwmutex rwmutex;
static lg_waitgroup group;
static lg_semaphore sema;
static lg_once once;

static void cancel_self(void)
{
    CHECK(!lg_is_canceled());
    CHECK_OK(lg_cancel(lg_self()));
    CHECK(lg_is_canceled());
}

it("a blocking call of a canceled goroutine", "ends before it has done anything",
   .procs = 1)
{
    int value = 7;
    size_t index = 0;
    bool is_first = false;
    ch = spec_chan(rt, sizeof value, 2);
    CHECK_OK(lg_chan_send(ch, &value, 0));
    CHECK_OK(lg_semaphore_init(&sema, 1));
    lg_case c = {.ch = ch, .elem = &value, .op = LG_RECV};

    cancel_self();
    CHECK_CODE(lg_chan_send(ch, &value, LG_NEVER), LG_ECANCELED);
    cancel_self();
    CHECK_CODE(lg_chan_recv(ch, &value, LG_NEVER), LG_ECANCELED);
    cancel_self();
    CHECK_CODE(lg_select(&c, 1, LG_NEVER, &index), LG_ECANCELED);
    CHECK_INT(lg_chan_len(ch), 1);
    cancel_self();
    CHECK_CODE(lg_mutex_lock(&mutex, LG_NEVER), LG_ECANCELED);
    CHECK(!lg_mutex_is_locked(&mutex));
    cancel_self();
    CHECK_CODE(lg_rwmutex_lock(&rwmutex, LG_NEVER), LG_ECANCELED);
    cancel_self();
    CHECK_CODE(lg_rwmutex_rlock(&rwmutex, LG_NEVER), LG_ECANCELED);
    CHECK_CODE(lg_rwmutex_runlock(&rwmutex), LG_EPERM);
    cancel_self();
    CHECK_CODE(lg_waitgroup_wait(&group, LG_NEVER), LG_ECANCELED);
    cancel_self();
    CHECK_CODE(lg_semaphore_acquire(&sema, 1, LG_NEVER), LG_ECANCELED);
    CHECK_OK(lg_semaphore_acquire(&sema, 1, 0));
    cancel_self();
    CHECK_CODE(lg_once_begin(&once, &is_first), LG_ECANCELED);
    CHECK(!is_first);
    lg_chan_free(ch);
}

it("a call with deadline 0 of a canceled goroutine", "is no blocking call", .procs = 1)
{
    int value = 7;
    ch = spec_chan(rt, sizeof value, 1);
    cancel_self();
    CHECK_OK(lg_chan_send(ch, &value, 0));
    CHECK_OK(lg_chan_recv(ch, &value, 0));
    CHECK_OK(lg_mutex_lock(&mutex, 0));
    CHECK_OK(lg_mutex_unlock(&mutex));
    CHECK(lg_is_canceled());
    CHECK_CODE(lg_sleep_until(LG_NEVER), LG_ECANCELED);
    CHECK(!lg_is_canceled());
    lg_chan_free(ch);
}

it("lg_is_canceled", "is false outside a goroutine")
{
    CHECK(!lg_is_canceled());
}
