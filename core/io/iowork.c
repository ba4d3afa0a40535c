// SPDX-License-Identifier: MIT
#include "io/iowork.h"

#include <signal.h>
#include <stdlib.h>

#include "io/call.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "os/thread.h"
#include "sched/runtime.h"

// Of lg_work().
struct called_work {
    struct io_work work;
    struct waiter *waiter;
    void (*fn)(void *arg);
    void (*drop)(void *arg); // for who is dropped; or NULL
    void *arg;
    bool is_done;
};

// ---------------------------------------------------------------------------
// Any work
// ---------------------------------------------------------------------------

static void on_pool(uv_work_t *request)
{
    struct io_work *work = request->data;
    work->fn(work);
}

static void on_over(uv_work_t *request, int status)
{
    struct io_work *work = request->data;
    (void)status;
    lg__pool_end();
    lg__list_remove(&work->loop->works, &work->node);
    work->on_done(work);
}

int lg__work_start(struct io_work *work, struct lg_strand *s)
{
    int err = lg__ioloop_of(s, &work->loop);
    if (err) {
        return err;
    }
    work->request.data = work;
    sigset_t mask;
    lg__thread_keep_signals_off(&mask);
    err = uv_queue_work(&work->loop->uv, &work->request, on_pool, on_over);
    lg__thread_set_mask(&mask);
    if (!err) {
        lg__pool_ask();
        lg__list_push_back(&work->loop->works, &work->node);
        work->loop->is_dirty = true;
    }
    return lg__ioerr_of(err);
}

void lg__work_orphan(struct io_work *work)
{
    work->is_orphan = true;
    uv_cancel((uv_req_t *)&work->request); // if it has not begun
}

// ---------------------------------------------------------------------------
// lg_work()
// ---------------------------------------------------------------------------

static struct called_work *called(struct io_work *work)
{
    return LG_CONTAINER_OF(work, struct called_work, work);
}

static void call_fn(struct io_work *work)
{
    called(work)->fn(called(work)->arg);
}

static void on_called(struct io_work *work)
{
    struct called_work *call = called(work);
    call->is_done = true;
    if (!work->is_orphan) {
        lg__call_look(call->waiter);
        return;
    }
    if (call->drop) {
        call->drop(call->arg);
    }
    free(call);
}

static int hook(struct waiter *w)
{
    struct called_work *call = w->owner;
    call->waiter = w;
    return lg__work_start(&call->work, lg_strand_self());
}

static void unhook(struct waiter *w)
{
    free(w->owner);
}

static bool is_ready(struct waiter *w)
{
    return ((struct called_work *)w->owner)->is_done;
}

static void take(struct waiter *w)
{
    lg__call_op(w)->rc = LG_OK;
}

static int await(struct waiter *w)
{
    (void)w;
    return LG_OK;
}

static int cut(struct waiter *w, int rc)
{
    (void)w;
    return rc;
}

static const struct call_kind working = {
    .reason = "io wait",
    .is_firm = true,
    .hook = hook,
    .unhook = unhook,
    .is_ready = is_ready,
    .take = take,
    .await = await,
    .cut = cut,
};

int lg_work(void (*fn)(void *arg), void (*drop)(void *arg), void *arg)
{
    struct waiter *w = lg__call_prepare(&working, NULL);
    if (!w) {
        return LG_EAGAIN;
    }
    struct lg_strand *s;
    int err = lg__io_strand(w->g, &s);
    struct called_work *call = err ? NULL : calloc(1, sizeof *call);
    if (!call) {
        return err ? err : LG_ENOMEM;
    }
    *call = (struct called_work){.fn = fn, .drop = drop, .arg = arg};
    call->work.fn = call_fn;
    call->work.on_done = on_called;
    call->work.must_end = drop == NULL;
    w->owner = call;
    int rc = lg__call(w, s, LG_NEVER);
    if (rc != LG_WAIT && rc != LG_OK) {
        free(call); // the strand has not taken it
    }
    return rc;
}
