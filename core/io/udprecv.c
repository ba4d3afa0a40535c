// SPDX-License-Identifier: MIT
//
// Receiving datagrams: into memory that all sockets of a loop have in common, since a
// datagram tells its size only by coming, and from there into a record of its size.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/call.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "io/udp.h"
#include "os/datagram.h"
#include "sched/park.h"
#include "sched/runtime.h"
#include "sched/strand.h"

static size_t record_bytes(const struct datagram *datagram)
{
    return sizeof *datagram + datagram->size;
}

void lg__udp_drop_held(lg_udp *u)
{
    if (u->held) {
        lg__alloc_free_for(&u->rt->alloc, LG_USE_BUFFERS, u->held, record_bytes(u->held));
        u->held = NULL;
        u->is_peeked = false;
    }
}

// Where any datagram has room, for all sockets of the loop.
static char *scratch_of(lg_udp *u)
{
    struct io_loop *loop;
    if (lg__ioloop_of(u->strand, &loop) != LG_OK) {
        return NULL;
    }
    if (!loop->scratch) {
        loop->scratch = malloc(DATAGRAM_MAX);
    }
    return loop->scratch;
}

// LG_OK, one is held; LG_EAGAIN, none has come; or an error.
static int receive(lg_udp *u)
{
    char *scratch = scratch_of(u);
    if (!scratch) {
        return LG_ENOMEM;
    }
    struct socket_address from;
    ssize_t n = lg__datagram_recv(u->watch.fd, scratch, DATAGRAM_MAX, &from);
    if (n < 0) {
        return n == -EAGAIN ? LG_EAGAIN : lg__ioerr_of((int)n);
    }
    struct datagram *datagram =
        lg__alloc_raw_for(&u->rt->alloc, LG_USE_BUFFERS, sizeof *datagram + (size_t)n);
    if (!datagram) {
        return LG_ENOMEM; // and it is lost, as any may be
    }
    datagram->from = from;
    datagram->size = (size_t)n;
    memcpy(datagram->bytes, scratch, (size_t)n);
    u->held = datagram;
    return LG_OK;
}

static int hook_receiver(struct waiter *w)
{
    lg_udp *u = w->owner;
    if (u->watch.fd < 0) {
        return LG_ECLOSED;
    }
    if (u->receiver) {
        return LG_EBUSY;
    }
    int err = lg__watch_enlist(&u->watch, u->strand);
    if (!err) {
        u->receiver = w;
    }
    return err;
}

static void unhook_receiver(struct waiter *w)
{
    ((lg_udp *)w->owner)->receiver = NULL;
}

static bool is_received(struct waiter *w)
{
    lg_udp *u = w->owner;
    if (u->watch.fd < 0) {
        return false; // close_now() tells
    }
    if (u->is_peeked) {
        lg__udp_drop_held(u);
    }
    int rc = u->held ? LG_OK : receive(u);
    lg__call_op(w)->rc = rc == LG_EAGAIN ? LG_OK : rc;
    return rc != LG_EAGAIN;
}

static void take_received(struct waiter *w)
{
    lg_udp *u = w->owner;
    struct call_op *call = lg__call_op(w);
    if (call->rc != LG_OK) {
        return;
    }
    lg_datagram *out = call->out;
    out->size = u->held->size;
    lg__address_narrow(&u->held->from);
    lg__address_format(&u->held->from, out->from, sizeof out->from);
    u->is_peeked = true;
    if (w->elem) {
        size_t room = (size_t)w->amount;
        memcpy(w->elem, u->held->bytes, out->size < room ? out->size : room);
        call->rc = out->size > room ? lg__ioerr_of(-EMSGSIZE) : LG_OK;
        lg__udp_drop_held(u);
    }
}

static int await_receive(struct waiter *w)
{
    lg_udp *u = w->owner;
    u->is_watched = true;
    return lg__udp_watch(u);
}

static int cut_receive(struct waiter *w, int rc)
{
    (void)w;
    return rc;
}

static const struct call_kind receiving = {
    .reason = "io wait",
    .hook = hook_receiver,
    .unhook = unhook_receiver,
    .is_ready = is_received,
    .take = take_received,
    .await = await_receive,
    .cut = cut_receive,
    .limit = lg__udp_limit,
};

static int receive_into(lg_udp *u, void *buffer, size_t size, lg_datagram *out,
                        int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&receiving, u);
    if (!w) {
        return LG_EAGAIN;
    }
    w->elem = buffer;
    w->amount = (int64_t)size;
    lg__call_op(w)->out = out;
    return lg__call(w, u->strand, deadline_ns);
}

int lg_udp_recv_from(lg_udp *u, void *buffer, size_t size, lg_datagram *out,
                     int64_t deadline_ns)
{
    return buffer ? receive_into(u, buffer, size, out, deadline_ns) : LG_EINVAL;
}

int lg_udp_await(lg_udp *u, lg_datagram *out, int64_t deadline_ns)
{
    struct lg_g *g = lg__g_self();
    if (g && g->strand != u->strand) {
        return LG_EPERM;
    }
    return receive_into(u, NULL, 0, out, deadline_ns);
}

const void *lg_udp_peek(const lg_udp *u)
{
    return u->held ? u->held->bytes : NULL;
}
