// SPDX-License-Identifier: MIT
//
// Writing to connections, and ending that.
#include <errno.h>

#include "io/call.h"
#include "io/conn.h"
#include "io/conntls.h"
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

// LG_OK and how many bytes, LG_EAGAIN, or an error.
static int transmit(lg_conn *c, const void *data, size_t size, size_t *out_n)
{
    if (c->tls) {
        return lg__conntls_send(c, data, size, out_n);
    }
    ssize_t n = lg__socket_send(c->watch.fd, data, size);
    if (n < 0) {
        return n == -EAGAIN ? LG_EAGAIN : lg__ioerr_of((int)n);
    }
    *out_n = (size_t)n;
    return LG_OK;
}

// Writes as much as there is room for.
static bool is_written(struct waiter *w)
{
    lg_conn *c = w->owner;
    struct call_op *call = lg__call_op(w);
    size_t size = (size_t)w->amount;
    while (call->done < size && c->out_status == LG_OK) {
        size_t n = 0;
        int rc = transmit(c, (const char *)w->elem + call->done, size - call->done, &n);
        if (rc == LG_EAGAIN) {
            return false;
        }
        call->done += n;
        c->out_status = rc;
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
    bool is_cut = call->done > 0 || (c->tls && c->tls->has_half);
    if (is_cut && call->done < (size_t)w->amount && c->out_status == LG_OK) {
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

// ---------------------------------------------------------------------------
// The end of what is written
// ---------------------------------------------------------------------------

static int end(lg_conn *c)
{
    if (c->tls) {
        return lg__conntls_end(c);
    }
    return lg__ioerr_of(lg__socket_shutdown(c->watch.fd));
}

static int end_at_once(void *owner, int64_t amount)
{
    lg_conn *c = owner;
    (void)amount;
    if (c->watch.fd < 0) {
        return LG_ECLOSED;
    }
    if (c->writer) {
        return LG_EBUSY;
    }
    int rc = end(c);
    if (rc == LG_ESYSTEM - ENOTSOCK) { // a pipe: it has no other direction
        lg__conn_close(c);
        return LG_OK;
    }
    if (rc == LG_OK && c->out_status == LG_OK) {
        c->out_status = LG_ECLOSED;
    }
    return rc;
}

static int hook_ender(struct waiter *w)
{
    lg_conn *c = w->owner;
    if (c->watch.fd < 0) {
        return LG_ECLOSED;
    }
    if (c->writer) {
        return LG_EBUSY;
    }
    c->writer = w;
    return LG_OK;
}

static bool is_ended(struct waiter *w)
{
    lg_conn *c = w->owner;
    int rc = end(c);
    lg__call_op(w)->rc = rc == LG_EAGAIN ? LG_OK : rc;
    return rc != LG_EAGAIN;
}

static void take_end(struct waiter *w)
{
    lg_conn *c = w->owner;
    if (lg__call_op(w)->rc == LG_OK && c->out_status == LG_OK) {
        c->out_status = LG_ECLOSED;
    }
}

// Nothing may follow a goodbye, however much of it is gone.
static int cut_end(struct waiter *w, int rc)
{
    lg_conn *c = w->owner;
    if (c->tls && c->tls->end != END_NONE && c->out_status == LG_OK) {
        c->out_status = LG_EBROKEN;
    }
    return rc;
}

static const struct call_kind ending = {
    .reason = "io wait",
    .hook = hook_ender,
    .unhook = unhook_writer,
    .is_ready = is_ended,
    .take = take_end,
    .await = await_write,
    .cut = cut_end,
    .limit = lg__conn_limit,
};

// Only TLS may have to wait: it says goodbye, and before that shakes hands.
int lg_conn_close_write(lg_conn *c)
{
    int rc = lg__call_at_once(c->strand, end_at_once, c, 0);
    struct waiter *w = rc == LG_EAGAIN ? lg__call_prepare(&ending, c) : NULL;
    return w ? lg__call(w, c->strand, LG_NEVER) : rc;
}
