// SPDX-License-Identifier: MIT
//
// Reading from connections.
#include <errno.h>

#include "io/call.h"
#include "io/conn.h"
#include "io/conntls.h"
#include "io/ioerr.h"
#include "os/pipe.h"
#include "os/socket.h"
#include "sched/runtime.h"
#include "sched/strand.h"

// How often in a row a reader who wants more than there is gets it at once.
enum { PULLS_MAX = 16 };

// What is asked for, in the waiter's `mode`. With a buffer in `elem` it goes there.
// How much of what there is the reader gets; 0: not yet, or nothing.
static size_t share_of(lg_conn *c, const struct waiter *w)
{
    size_t size = c->in.size;
    switch ((lg_want)w->mode) {
    case LG_WANT_SOME: break;
    case LG_WANT_EXACT:
        if (size >= (size_t)w->amount) {
            return (size_t)w->amount;
        }
        return c->in_status == LG_OK ? 0 : size;
    case LG_WANT_LINE: {
        size_t line = lg__inbuf_line(&c->in);
        return line > 0 ? line : c->in_status == LG_OK ? 0 : size;
    }
    case LG_WANT_ALL: return c->in_status == LG_OK ? 0 : size;
    }
    return w->elem && size > (size_t)w->amount ? (size_t)w->amount : size;
}

static bool has_enough(lg_conn *c, const struct waiter *w)
{
    bool is_nothing = (lg_want)w->mode == LG_WANT_EXACT && w->amount == 0;
    return c->in_status != LG_OK || is_nothing || share_of(c, w) > 0;
}

// LG_OK and how many bytes, LG_EAGAIN, LG_EOF, or an error.
static int receive(lg_conn *c, void *buffer, size_t size, size_t *out_n)
{
    if (c->tls) {
        return lg__conntls_recv(c, buffer, size, out_n);
    }
    if (c->watch.watcher > 0 && !lg__pipe_is_ready(c->watch.fd)) {
        return LG_EAGAIN;
    }
    ssize_t n = lg__socket_recv(c->watch.fd, buffer, size);
    if (n <= 0) {
        return n == 0 ? LG_EOF : n == -EAGAIN ? LG_EAGAIN : lg__ioerr_of((int)n);
    }
    *out_n = (size_t)n;
    return LG_OK;
}

// Takes what the system has, or a record of TLS. True: there may be more.
static bool pull(lg_conn *c)
{
    char *room;
    size_t size;
    c->in_status = lg__inbuf_room(&c->in, &c->rt->alloc, &room, &size);
    if (c->in_status != LG_OK) {
        return false;
    }
    size_t n = 0;
    int rc = receive(c, room, size, &n);
    lg__inbuf_add(&c->in, &c->rt->alloc, n);
    if (rc != LG_EAGAIN) {
        c->in_status = rc;
    }
    return rc == LG_OK && (n == size || c->tls);
}

// Of TLS: whether there is something that the system does not know of any more.
static bool has_hidden(const lg_conn *c)
{
    return c->tls && lg__conntls_has_more(c);
}

static void pull_for(lg_conn *c, const struct waiter *w)
{
    for (int i = 0; i < PULLS_MAX || has_hidden(c); i++) {
        if (!pull(c) || has_enough(c, w)) {
            return;
        }
    }
}

static int hook_reader(struct waiter *w)
{
    lg_conn *c = w->owner;
    if (c->watch.fd < 0) {
        return LG_ECLOSED;
    }
    if (c->reader) {
        return LG_EBUSY;
    }
    c->reader = w;
    *(size_t *)lg__call_op(w)->out = 0;
    return LG_OK;
}

static void unhook_reader(struct waiter *w)
{
    lg_conn *c = w->owner;
    c->reader = NULL;
    if (c->watch.is_shared && c->watch.fd >= 0) {
        c->is_paused = true;
        lg__conn_watch(c);
    }
}

static bool is_readable(struct waiter *w)
{
    lg_conn *c = w->owner;
    bool is_blind =
        !(c->watch.interest & UV_READABLE) || lg__call_op(w)->is_try || has_hidden(c);
    if (!has_enough(c, w) && is_blind && c->watch.fd >= 0) {
        pull_for(c, w);
    }
    return has_enough(c, w);
}

// Out of memory is no state of the connection: the next call tries again.
static int take_status(lg_conn *c)
{
    int status = c->in_status;
    if (status == LG_ENOMEM) {
        c->in_status = LG_OK;
    }
    return status;
}

// What others read, too, may go on behind its end, as a terminal does after Ctrl-D: who
// reads again asks the system again.
static void forget_end(lg_conn *c)
{
    if (c->watch.is_shared && c->in.size == 0 && c->in_status == LG_EOF) {
        c->in_status = LG_OK;
    }
}

static void take_read(struct waiter *w)
{
    lg_conn *c = w->owner;
    struct call_op *call = lg__call_op(w);
    size_t n = share_of(c, w);
    bool is_cut = (lg_want)w->mode == LG_WANT_ALL && c->in_status != LG_EOF;
    call->rc = n > 0 && !is_cut ? LG_OK : take_status(c);
    if ((lg_want)w->mode == LG_WANT_ALL && call->rc == LG_EOF) {
        call->rc = LG_OK; // all of nothing
    }
    if (w->elem) {
        lg__inbuf_take(&c->in, &c->rt->alloc, w->elem, n);
    }
    *(size_t *)call->out = n;
    forget_end(c);
}

static int await_read(struct waiter *w)
{
    lg_conn *c = w->owner;
    c->is_read = true;
    c->is_paused = false;
    return lg__conn_watch(c);
}

static int cut_read(struct waiter *w, int rc)
{
    (void)w;
    return rc;
}

static const struct call_kind reading = {
    .reason = "io wait",
    .hook = hook_reader,
    .unhook = unhook_reader,
    .is_ready = is_readable,
    .take = take_read,
    .await = await_read,
    .cut = cut_read,
    .limit = lg__conn_limit,
};

void lg__conn_on_readable(lg_conn *c)
{
    if (c->in_status != LG_OK) {
        return;
    }
    if (!lg__call_is_waiting(c->reader) && (c->in.size > 0 || c->watch.is_shared)) {
        c->is_paused = true;
    } else if (lg__call_is_waiting(c->reader)) {
        pull_for(c, c->reader);
        lg__call_look(c->reader);
    } else {
        pull(c);
    }
}

int lg_conn_await(lg_conn *c, lg_want want, size_t n, size_t *out_n, int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&reading, c);
    if (!w) {
        return LG_EAGAIN;
    }
    w->mode = (uint16_t)want;
    w->amount = (int64_t)n;
    w->elem = NULL;
    lg__call_op(w)->out = out_n;
    return w->g->strand == c->strand ? lg__call(w, c->strand, deadline_ns) : LG_EPERM;
}

size_t lg_conn_peek(const lg_conn *c, const void **out)
{
    const char *bytes;
    size_t n = lg__inbuf_peek(&c->in, &bytes);
    if (n > 0) {
        *out = bytes;
    }
    return n;
}

void lg_conn_skip(lg_conn *c, size_t n)
{
    const char *bytes;
    LG_MISUSE_IF(n > lg__inbuf_peek(&c->in, &bytes),
                 "lg_conn_skip() of more than lg_conn_peek() gave");
    if (n > 0) {
        lg__inbuf_skip(&c->in, &c->rt->alloc, n);
        forget_end(c);
    }
}

static int read_into(lg_conn *c, lg_want want, void *buffer, size_t size, size_t *out_n,
                     int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&reading, c);
    if (!w) {
        return LG_EAGAIN;
    }
    w->mode = (uint16_t)want;
    w->amount = (int64_t)size;
    w->elem = buffer;
    lg__call_op(w)->out = out_n;
    return lg__call(w, c->strand, deadline_ns);
}

int lg_conn_read(lg_conn *c, void *buffer, size_t size, size_t *out_n,
                 int64_t deadline_ns)
{
    return size == 0 ? LG_EINVAL
                     : read_into(c, LG_WANT_SOME, buffer, size, out_n, deadline_ns);
}

int lg_conn_read_full(lg_conn *c, void *buffer, size_t size, size_t *out_n,
                      int64_t deadline_ns)
{
    return size == 0 ? LG_EINVAL
                     : read_into(c, LG_WANT_EXACT, buffer, size, out_n, deadline_ns);
}
