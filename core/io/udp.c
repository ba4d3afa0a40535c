// SPDX-License-Identifier: MIT
#include "io/udp.h"

#include <errno.h>
#include <string.h>

#include "io/call.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "os/datagram.h"
#include "sched/park.h"
#include "sched/runtime.h"

static lg_udp *udp_of(struct io_watch *watch)
{
    return LG_CONTAINER_OF(watch, lg_udp, watch);
}

int lg__udp_watch(lg_udp *u)
{
    int interest = (u->is_watched ? UV_READABLE : 0) |
                   (u->is_full && u->senders.first ? UV_WRITABLE : 0);
    return lg__watch_for(&u->watch, u->strand, interest);
}

int64_t lg__udp_limit(struct waiter *w)
{
    lg_udp *u = w->owner;
    // relaxed: who changes it wakes those who wait
    return atomic_load_explicit(&u->deadline_ns, memory_order_relaxed);
}

static void look_at(struct waiter *w)
{
    lg__call_look(w);
}

static void end_closed(struct waiter *w)
{
    lg__call_end(w, LG_ECLOSED);
}

static void on_ready(struct io_watch *watch, int events)
{
    lg_udp *u = udp_of(watch);
    if (events & UV_READABLE) {
        u->is_watched = lg__call_is_waiting(u->receiver); // what comes stays there
        lg__call_look(u->receiver);
    }
    if (events & UV_WRITABLE) {
        u->is_full = false;
        lg__udp_each_sender(u, look_at);
    }
    lg__udp_watch(u);
}

static void on_orphan(struct io_watch *watch)
{
    lg_udp *u = udp_of(watch);
    lg__udp_drop_aims(u);
    u->strand = NULL;
    u->receiver = NULL; // the goroutines are dropped
    u->senders = (struct list){0};
    lg__udp_drop_held(u);
}

static void on_free(struct io_watch *watch)
{
    lg_udp *u = udp_of(watch);
    lg__alloc_free_for(&u->rt->alloc, LG_USE_BUFFERS, u, sizeof *u);
}

static void close_now(lg_udp *u)
{
    lg__watch_close(&u->watch);
    lg__udp_drop_held(u);
    lg__call_end(u->receiver, LG_ECLOSED);
    lg__udp_each_sender(u, end_closed);
}

static int close_at_once(void *owner, int64_t amount)
{
    lg_udp *u = owner;
    (void)amount;
    if (u->watch.fd < 0) {
        return LG_ECLOSED;
    }
    close_now(u);
    return LG_OK;
}

static int free_at_once(void *owner, int64_t amount)
{
    lg_udp *u = owner;
    (void)amount;
    close_now(u);
    lg__watch_free(&u->watch);
    return LG_OK;
}

static int set_deadline_at_once(void *owner, int64_t deadline_ns)
{
    lg_udp *u = owner;
    // relaxed: as in limit()
    atomic_store_explicit(&u->deadline_ns, deadline_ns, memory_order_relaxed);
    lg__call_again(u->receiver);
    lg__udp_each_sender(u, lg__call_again);
    return LG_OK;
}

static lg_udp *udp_new(struct lg_g *g, struct lg_strand *s, enum network network)
{
    lg_udp *u = lg__alloc_new_for(&g->rt->alloc, LG_USE_BUFFERS, sizeof *u);
    if (u) {
        u->rt = g->rt;
        u->strand = s;
        u->network = network;
        u->watch.on_ready = on_ready;
        u->watch.on_orphan = on_orphan;
        u->watch.on_free = on_free;
        atomic_init(&u->deadline_ns, LG_NEVER);
    }
    return u;
}

// "udp4" and an address. The networks have the names of TCP's.
static int parse_place(const char *network, const char *address, struct address_text *out)
{
    char name[] = "tcp?";
    size_t length = strlen(network);
    if (length < 3 || length > 4 || memcmp(network, "udp", 3) != 0) {
        return LG_EINVAL;
    }
    name[3] = network[3];
    return lg__address_parse(name, address, out);
}

static int open_socket(struct address_text *text, const lg_udp_options *opts,
                       struct socket_address *place)
{
    bool is_both = text->network == NETWORK_TCP && text->host[0] == '\0';
    uint32_t flags = opts && opts->shares_port ? SOCKET_SHARED_PORT : 0;
    int fd = lg__datagram_open(place, flags | (is_both ? SOCKET_BOTH_FAMILIES : 0));
    if (fd == -EAFNOSUPPORT && is_both) { // no IPv6 here
        text->network = NETWORK_TCP4;
        lg__address_of_place(text, place);
        fd = lg__datagram_open(place, flags);
    } else if (!is_both) {
        text->network = place->any.sa_family == AF_INET ? NETWORK_TCP4 : NETWORK_TCP6;
    }
    return fd;
}

// ---------------------------------------------------------------------------
// Public
// ---------------------------------------------------------------------------

int lg_udp_open(const char *network, const char *address, const lg_udp_options *opts,
                lg_udp **out)
{
    struct lg_g *g = lg__g_self();
    struct address_text text;
    struct socket_address place;
    struct lg_strand *s;
    int err = g ? parse_place(network, address, &text) : LG_EAGAIN;
    err = err ? err : lg__address_of_place(&text, &place);
    err = err ? err : lg__io_strand(g, &s);
    if (err) {
        return err;
    }
    int fd = open_socket(&text, opts, &place);
    if (fd < 0) {
        return lg__ioerr_of(fd);
    }
    lg_udp *u = udp_new(g, s, text.network);
    if (!u) {
        lg__socket_close(fd);
        return LG_ENOMEM;
    }
    u->watch.fd = fd;
    u->is_wide = text.network == NETWORK_TCP;
    *out = u;
    return LG_OK;
}

int lg_udp_local(lg_udp *u, char *out, size_t size)
{
    struct socket_address address;
    int rc = u->watch.fd < 0 ? LG_ECLOSED
                             : lg__ioerr_of(lg__socket_name(u->watch.fd, &address));
    if (rc == LG_OK) {
        lg__address_format(&address, out, size);
    }
    return rc;
}

int lg_udp_set_deadline(lg_udp *u, int64_t deadline_ns)
{
    return lg__call_at_once(u->strand, set_deadline_at_once, u, deadline_ns);
}

int lg_udp_close(lg_udp *u)
{
    return lg__call_at_once(u->strand, close_at_once, u, 0);
}

void lg_udp_free(lg_udp *u)
{
    if (u) {
        lg__call_at_once(u->strand, free_at_once, u, 0);
    }
}
