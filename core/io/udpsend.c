// SPDX-License-Identifier: MIT
//
// Sending datagrams; and connecting, which has a name looked up in the same way.
//
// A host that is numbers is read anew whenever a datagram is to go: that is cheaper than to
// remember it. A name is looked up once for each call.
#include <errno.h>
#include <string.h>

#include "io/address.h"
#include "io/call.h"
#include "io/ioerr.h"
#include "io/lookup.h"
#include "io/udp.h"
#include "os/datagram.h"
#include "sched/runtime.h"
#include "sched/strand.h"

// A name that somebody sends to, or connects to.
struct aim {
    struct node node; // in the socket's list
    struct lg_runtime *rt;
    struct waiter *waiter; // whose
    struct io_lookup *lookup;
};

// What a waiter in `senders` wants, in its `mode`.
enum { TO_SEND, TO_CONNECT };

static void aim_free(struct aim *aim)
{
    lg__alloc_free_for(&aim->rt->alloc, LG_USE_BUFFERS, aim, sizeof *aim);
}

static struct aim *aim_of(const lg_udp *u, const struct waiter *w)
{
    for (struct node *node = u->aims.first; node; node = node->next) {
        struct aim *aim = LG_CONTAINER_OF(node, struct aim, node);
        if (aim->waiter == w) {
            return aim;
        }
    }
    return NULL;
}

static void drop_aim(lg_udp *u, struct aim *aim)
{
    lg__list_remove(&u->aims, &aim->node);
    lg__lookup_drop(aim->lookup);
    aim_free(aim);
}

static void on_lookup_orphan(struct waiter *w)
{
    (void)w; // the loop has told the socket before, and on_orphan() drops them
}

static int parse(const lg_udp *u, const char *address, struct address_text *out)
{
    static const char *const names[] = {
        [NETWORK_TCP] = "tcp", [NETWORK_TCP4] = "tcp4", [NETWORK_TCP6] = "tcp6"};
    int err = lg__address_parse(names[u->network], address, out);
    if (!err && out->host[0] == '\0') {
        strcpy(out->host, "localhost"); // as in Go
    }
    return err;
}

static int look_up(lg_udp *u, struct waiter *w, const struct address_text *text)
{
    struct aim *aim = lg__alloc_new_for(&u->rt->alloc, LG_USE_BUFFERS, sizeof *aim);
    if (!aim) {
        return LG_ENOMEM;
    }
    aim->rt = u->rt;
    aim->waiter = w;
    int err = lg__lookup_start(u->strand, text, w, on_lookup_orphan, &aim->lookup);
    if (err) {
        aim_free(aim);
        return err;
    }
    lg__list_push_back(&u->aims, &aim->node);
    return LG_OK;
}

static const char *address_of(struct waiter *w)
{
    return lg__call_op(w)->out;
}

static int hook_sender(struct waiter *w)
{
    lg_udp *u = w->owner;
    struct address_text text;
    struct socket_address number;
    if (u->watch.fd < 0) {
        return LG_ECLOSED;
    }
    int err = lg__watch_enlist(&u->watch, u->strand);
    if (!err && address_of(w)) {
        err = parse(u, address_of(w), &text);
        if (!err && !lg__address_is_number(&text, &number, &err)) {
            err = look_up(u, w, &text);
        }
    }
    if (!err) {
        lg__list_push_back(&u->senders, &w->node);
    }
    return err;
}

static void unhook_sender(struct waiter *w)
{
    lg_udp *u = w->owner;
    struct aim *aim = aim_of(u, w);
    lg__list_remove(&u->senders, &w->node);
    if (aim) {
        drop_aim(u, aim);
    }
}

// Where it goes. LG_EAGAIN: that is not known yet.
static int find_destination(lg_udp *u, struct waiter *w, struct socket_address *out)
{
    struct address_text text;
    struct aim *aim = aim_of(u, w);
    int rc = parse(u, address_of(w), &text);
    if (aim && !aim->lookup->is_done) {
        return LG_EAGAIN;
    }
    if (aim && aim->lookup->rc != LG_OK) {
        return aim->lookup->rc;
    }
    if (aim) {
        aim->lookup->next = aim->lookup->found; // it may be asked for again
        rc = lg__lookup_next(aim->lookup, &text, out) ? LG_OK
                                                      : lg__ioerr_of(UV_EAI_ADDRFAMILY);
    } else {
        lg__address_is_number(&text, out, &rc);
    }
    if (rc == LG_OK && u->is_wide) {
        lg__address_widen(out);
    }
    return rc;
}

static int try_send(lg_udp *u, struct waiter *w, const struct socket_address *to)
{
    ssize_t n = lg__datagram_send(u->watch.fd, w->elem, (size_t)w->amount, to);
    if (n != -EAGAIN) {
        return lg__ioerr_of((int)n);
    }
    u->is_full = true;
    int err = lg__call_op(w)->is_try ? LG_OK : lg__udp_watch(u);
    return err ? err : LG_EAGAIN;
}

// A datagram that is gone does not go again, whatever has ended the wait.
static bool is_sent(struct waiter *w)
{
    lg_udp *u = w->owner;
    struct call_op *call = lg__call_op(w);
    struct socket_address to;
    if (u->watch.fd < 0 || call->done > 0) {
        return call->done > 0; // of what is closed close_now() tells
    }
    int rc = address_of(w) ? find_destination(u, w, &to) : LG_OK;
    if (rc == LG_OK && w->mode == TO_CONNECT) {
        rc = lg__ioerr_of(lg__socket_connect(u->watch.fd, &to));
    } else if (rc == LG_OK) {
        rc = try_send(u, w, address_of(w) ? &to : NULL);
    }
    call->done = rc == LG_OK;
    call->rc = rc == LG_EAGAIN ? LG_OK : rc;
    return rc != LG_EAGAIN;
}

static void take_sent(struct waiter *w)
{
    (void)w; // is_sent() has left the code
}

static int await_send(struct waiter *w)
{
    return lg__udp_watch(w->owner);
}

static int cut_send(struct waiter *w, int rc)
{
    return lg__call_op(w)->done > 0 && rc != LG_ECANCELED ? LG_OK : rc;
}

static const struct call_kind sending = {
    .reason = "io wait",
    .hook = hook_sender,
    .unhook = unhook_sender,
    .is_ready = is_sent,
    .take = take_sent,
    .await = await_send,
    .cut = cut_send,
    .limit = lg__udp_limit,
};

void lg__udp_each_sender(lg_udp *u, void (*fn)(struct waiter *w))
{
    struct node *next;
    for (struct node *node = u->senders.first; node; node = next) {
        next = node->next;
        fn(LG_CONTAINER_OF(node, struct waiter, node));
    }
}

void lg__udp_drop_aims(lg_udp *u)
{
    while (u->aims.first) {
        drop_aim(u, LG_CONTAINER_OF(u->aims.first, struct aim, node));
    }
}

static int call_sender(lg_udp *u, uint16_t mode, const char *address, const void *data,
                       size_t size, int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&sending, u);
    if (!w) {
        return LG_EAGAIN;
    }
    w->mode = mode;
    w->elem = (void *)(uintptr_t)data; // only ever read
    w->amount = (int64_t)size;
    lg__call_op(w)->out = (void *)(uintptr_t)address; // the same
    return lg__call(w, u->strand, deadline_ns);
}

int lg_udp_send_to(lg_udp *u, const void *data, size_t size, const char *address,
                   int64_t deadline_ns)
{
    return call_sender(u, TO_SEND, address, data, size, deadline_ns);
}

int lg_udp_connect(lg_udp *u, const char *address, int64_t deadline_ns)
{
    return address ? call_sender(u, TO_CONNECT, address, NULL, 0, deadline_ns)
                   : LG_EINVAL;
}
