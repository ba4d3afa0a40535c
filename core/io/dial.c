// SPDX-License-Identifier: MIT
//
// Connecting: a name is looked up, its addresses are tried in turn, and the first that takes
// the connection is it.
#include <errno.h>
#include <string.h>

#include "io/address.h"
#include "io/call.h"
#include "io/conn.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "io/lookup.h"
#include "os/socket.h"
#include "sched/park.h"
#include "sched/runtime.h"

struct dial {
    struct lg_runtime *rt;
    struct lg_strand *strand;
    struct address_text text;
    struct io_lookup *lookup;     // of a name
    struct socket_address number; // else
    bool has_number;              // that is still to be tried
    struct waiter *waiter;
    lg_conn *conn; // that is being connected
    int rc;        // of the last try
    bool is_done;  // conn is connected
};

static void on_ready(struct io_watch *watch, int events);

static void dial_free(struct dial *d)
{
    lg__alloc_free_for(&d->rt->alloc, LG_USE_BUFFERS, d, sizeof *d);
}

// The next address to try. False: there is none left.
static bool next_address(struct dial *d, struct socket_address *out)
{
    if (d->has_number) {
        d->has_number = false;
        *out = d->number;
        return true;
    }
    return d->lookup && d->lookup->is_done && lg__lookup_next(d->lookup, &d->text, out);
}

static void end_try(struct dial *d, int rc)
{
    d->rc = rc;
    if (rc == LG_OK) {
        d->is_done = true;
        if (d->text.network != NETWORK_UNIX) {
            lg__socket_set_nodelay(d->conn->watch.fd);
        }
        d->conn->dial = NULL;
        d->conn->is_dialed = false;
        lg__conn_adopt(d->conn, d->conn->watch.fd);
        return;
    }
    lg__watch_free(&d->conn->watch);
    d->conn = NULL;
}

static int open_try(struct dial *d, const struct socket_address *address)
{
    d->conn = lg__conn_new(d->rt, d->strand);
    if (!d->conn) {
        return LG_ENOMEM;
    }
    d->conn->dial = d;
    d->conn->is_dialed = true;
    int fd = lg__socket_open(address->any.sa_family);
    if (fd < 0) {
        end_try(d, lg__ioerr_of(fd));
        return LG_OK;
    }
    d->conn->watch.fd = fd;
    d->conn->watch.on_ready = on_ready;
    int rc = lg__socket_connect(fd, address);
    if (rc != -EINPROGRESS) {
        end_try(d, lg__ioerr_of(rc));
    }
    return LG_OK;
}

// Tries until one is under way or done. False: the last one has failed, with rc.
static bool go_on(struct dial *d)
{
    struct socket_address address;
    while (!d->conn && next_address(d, &address)) {
        int err = open_try(d, &address);
        if (err) {
            d->rc = err;
            return false;
        }
    }
    return d->conn != NULL;
}

static int watch(struct dial *d)
{
    return d->conn && !d->is_done ? lg__watch_for(&d->conn->watch, d->strand, UV_WRITABLE)
                                  : LG_OK;
}

static bool is_looking_up(const struct dial *d)
{
    return d->lookup && !d->lookup->is_done;
}

static void on_lookup_orphan(struct waiter *w)
{
    dial_free(w->owner);
}

static int hook(struct waiter *w)
{
    struct dial *d = w->owner;
    d->waiter = w;
    int err;
    if (lg__address_is_number(&d->text, &d->number, &err)) {
        d->has_number = true;
    } else {
        err = lg__lookup_start(d->strand, &d->text, w, on_lookup_orphan, &d->lookup);
    }
    if (err) {
        dial_free(d);
    }
    return err;
}

// It has no goroutine any more, and is of no use without.
static void unhook(struct waiter *w)
{
    struct dial *d = w->owner;
    if (d->conn && !d->is_done) {
        end_try(d, LG_ECANCELED);
    } else if (d->conn) {
        lg__watch_free(&d->conn->watch); // nobody has taken it
    }
    lg__lookup_drop(d->lookup);
    dial_free(d);
}

void lg__dial_orphan(struct dial *d)
{
    lg__lookup_drop(d->lookup);
    lg__watch_free(&d->conn->watch);
    dial_free(d);
}

static bool is_ready(struct waiter *w)
{
    struct dial *d = w->owner;
    if (d->is_done || is_looking_up(d)) {
        return d->is_done;
    }
    if (d->lookup && d->lookup->rc != LG_OK) {
        d->rc = d->lookup->rc;
        return true;
    }
    bool is_under_way = go_on(d);
    if (is_under_way && !d->is_done) {
        int err = watch(d);
        if (err) {
            end_try(d, err);
            return true;
        }
    }
    return d->is_done || !is_under_way;
}

static void take(struct waiter *w)
{
    struct dial *d = w->owner;
    struct call_op *call = lg__call_op(w);
    call->rc = d->rc;
    if (d->is_done) {
        *(lg_conn **)call->out = d->conn;
        d->conn = NULL;
    }
}

static int await(struct waiter *w)
{
    (void)w; // is_ready() has seen to it
    return LG_OK;
}

static int cut(struct waiter *w, int rc)
{
    (void)w;
    return rc;
}

static const struct call_kind dialing = {
    .reason = "io wait",
    .hook = hook,
    .unhook = unhook,
    .is_ready = is_ready,
    .take = take,
    .await = await,
    .cut = cut,
};

static void on_ready(struct io_watch *watched, int events)
{
    (void)events;
    lg_conn *c = LG_CONTAINER_OF(watched, lg_conn, watch);
    struct dial *d = c->dial;
    int err = lg__socket_error(watched->fd);
    end_try(d, lg__ioerr_of(err));
    if (err == 0) {
        lg__watch_for(watched, d->strand, 0);
    }
    lg__call_look(d->waiter);
}

int lg_dial(const char *network, const char *address, lg_conn **out, int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&dialing, NULL);
    if (!w) {
        return LG_EAGAIN;
    }
    struct address_text text;
    struct lg_strand *s;
    int err = lg__address_parse(network, address, &text);
    err = err ? err : lg__io_strand(w->g, &s);
    if (err) {
        return err;
    }
    struct lg_runtime *rt = w->g->rt;
    struct dial *d = lg__alloc_new_for(&rt->alloc, LG_USE_BUFFERS, sizeof *d);
    if (!d) {
        return LG_ENOMEM;
    }
    d->rt = rt;
    d->strand = s;
    d->text = text;
    if (text.network != NETWORK_UNIX && text.host[0] == '\0') {
        strcpy(d->text.host, "localhost"); // as in Go
    }
    w->owner = d;
    lg__call_op(w)->out = out;
    int rc = lg__call(w, s, deadline_ns);
    if (rc != LG_WAIT && !lg__call_op(w)->has_begun) {
        dial_free(d); // the strand has not heard of it
    }
    return rc;
}
