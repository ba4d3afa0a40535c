// SPDX-License-Identifier: MIT
//
// Writing to connections.
#include "io/call.h"
#include "io/conn.h"
#include "io/ioerr.h"
#include "os/socket.h"
#include "sched/runtime.h"
#include "sched/strand.h"

static int hook_writer(struct waiter *w)
{
    lg_conn *c = w->owner;
    if (c->out_status != LG_OK) {
        *(size_t *)lg__call_op(w)->out = 0;
        return c->out_status;
    }
    if (c->writer) {
        return LG_EBUSY;
    }
    c->writer = w;
    return LG_OK;
}

static void unhook_writer(struct waiter *w)
{
    lg_conn *c = w->owner;
    c->writer = NULL;
    lg__conn_watch(c);
}

// Writes as much as there is room for.
static bool is_written(struct waiter *w)
{
    lg_conn *c = w->owner;
    struct call_op *call = lg__call_op(w);
    size_t size = (size_t)w->amount;
    while (call->done < size && c->out_status == LG_OK) {
        ssize_t n = lg__socket_send(c->watch.fd, (const char *)w->elem + call->done,
                                    size - call->done);
        if (n == -EAGAIN) {
            return false;
        }
        if (n < 0) {
            c->out_status = lg__ioerr_of((int)n);
        } else {
            call->done += (size_t)n;
        }
    }
    return true;
}

static void take_written(struct waiter *w)
{
    lg_conn *c = w->owner;
    struct call_op *call = lg__call_op(w);
    call->rc = call->done == (size_t)w->amount ? LG_OK : c->out_status;
    *(size_t *)call->out = call->done;
}

static int await_write(struct waiter *w)
{
    return lg__conn_watch(w->owner);
}

// Nothing may follow half of what was to be written.
static int cut_write(struct waiter *w, int rc)
{
    lg_conn *c = w->owner;
    struct call_op *call = lg__call_op(w);
    *(size_t *)call->out = call->done;
    if (call->done == (size_t)w->amount && rc != LG_ECANCELED) {
        return LG_OK;
    }
    if (call->done > 0 && call->done < (size_t)w->amount && c->out_status == LG_OK) {
        c->out_status = LG_EBROKEN;
    }
    return rc;
}

static const struct call_kind writing = {
    .reason = "io wait",
    .hook = hook_writer,
    .unhook = unhook_writer,
    .is_ready = is_written,
    .take = take_written,
    .await = await_write,
    .cut = cut_write,
    .limit = lg__conn_limit,
};

int lg_conn_write(lg_conn *c, const void *data, size_t size, size_t *out_n,
                  int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&writing, c);
    if (!w) {
        return LG_EAGAIN;
    }
    w->elem = (void *)(uintptr_t)data; // only ever read
    w->amount = (int64_t)size;
    lg__call_op(w)->out = out_n;
    int rc = lg__call(w, c->strand, deadline_ns);
    if (rc == LG_ECANCELED && !lg__call_op(w)->has_begun) {
        *out_n = 0;
    }
    return rc;
}
