// SPDX-License-Identifier: MIT
#include "io/iowork.h"

#include <signal.h>
#include <stdlib.h>

#include "io/call.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "os/thread.h"
#include "sched/runtime.h"

static void on_pool(uv_work_t *request)
{
    struct io_work *work = request->data;
    work->fn(work->arg);
}

static void on_done(uv_work_t *request, int status)
{
    struct io_work *work = request->data;
    (void)status;
    work->is_done = true;
    lg__list_remove(&work->loop->works, &work->node);
    if (work->waiter) {
        lg__call_look(work->waiter);
    } else {
        if (work->drop) {
            work->drop(work->arg);
        }
        free(work);
    }
}

static int hook(struct waiter *w)
{
    struct io_work *work = w->owner;
    int err = lg__ioloop_of(lg_strand_self(), &work->loop);
    if (err) {
        return err;
    }
    work->waiter = w;
    work->request.data = work;
    sigset_t mask;
    lg__thread_keep_signals_off(&mask);
    err = uv_queue_work(&work->loop->uv, &work->request, on_pool, on_done);
    lg__thread_set_mask(&mask);
    if (!err) {
        lg__list_push_back(&work->loop->works, &work->node);
        work->loop->is_dirty = true;
    }
    return lg__ioerr_of(err);
}

static void unhook(struct waiter *w)
{
    free(w->owner);
}

static bool is_ready(struct waiter *w)
{
    return ((struct io_work *)w->owner)->is_done;
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

void lg__work_orphan(struct io_work *work)
{
    work->waiter = NULL;
    uv_cancel((uv_req_t *)&work->request); // if it has not begun
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
    struct io_work *work = err ? NULL : calloc(1, sizeof *work);
    if (!work) {
        return err ? err : LG_ENOMEM;
    }
    *work = (struct io_work){.fn = fn, .drop = drop, .arg = arg};
    w->owner = work;
    int rc = lg__call(w, s, LG_NEVER);
    if (rc != LG_WAIT && rc != LG_OK) {
        free(work); // the strand has not taken it
    }
    return rc;
}
