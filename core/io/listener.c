// SPDX-License-Identifier: MIT
//
// Listeners. Several goroutines may accept: first come, first served.
//
// When the process has no descriptor left, accept says so once, and calls after it wait for
// a moment, longer each time, before they try again: a loop that goes on in spite of the error
// does not spin.
#include <errno.h>

#include "io/address.h"
#include "io/call.h"
#include "io/conn.h"
#include "io/conntls.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "io/tlsconfig.h"
#include "os/socket.h"
#include "sched/park.h"
#include "sched/runtime.h"
#include "sched/strand.h"

static const int64_t BACKOFF_MIN_NS = 5 * 1000 * 1000;
static const int64_t BACKOFF_MAX_NS = 1000 * 1000 * 1000;

struct lg_listener {
    struct io_watch watch;
    struct lg_runtime *rt;
    struct lg_strand *strand;
    struct socket_address address; // of a Unix socket: its path goes with it
    lg_tls *tls;                   // of what it accepts; NULL: none
    // -- inside the strand --
    struct list queue;  // waiters
    lg_conn *ready;     // has come in for the first of them
    int64_t backoff_ns; // the next one; 0: there was no trouble
    // -- any thread, relaxed --
    _Atomic int64_t retry_ns;    // when it is worth trying again
    _Atomic int64_t deadline_ns; // lg_listener_set_deadline()
};

static lg_listener *listener_of(struct io_watch *watch)
{
    return LG_CONTAINER_OF(watch, lg_listener, watch);
}

static struct waiter *first_of(const lg_listener *l)
{
    return l->queue.first ? LG_CONTAINER_OF(l->queue.first, struct waiter, node) : NULL;
}

// ---------------------------------------------------------------------------
// Accepting
// ---------------------------------------------------------------------------

static int hook(struct waiter *w)
{
    lg_listener *l = w->owner;
    if (l->watch.fd < 0) {
        return LG_ECLOSED;
    }
    lg__list_push_back(&l->queue, &w->node);
    w->queue = &l->queue;
    return LG_OK;
}

static void leave(struct waiter *w)
{
    if (w->queue) {
        lg__list_remove(w->queue, &w->node);
        w->queue = NULL;
    }
}

static void unhook(struct waiter *w)
{
    lg_listener *l = w->owner;
    leave(w);
    if (l->ready && l->watch.fd >= 0) {
        lg__call_look(first_of(l)); // what w was too late for
    }
}

static bool is_scarce(int err)
{
    return err == -EMFILE || err == -ENFILE || err == -ENOBUFS || err == -ENOMEM;
}

static void back_off(lg_listener *l)
{
    int64_t next_ns = l->backoff_ns * 2;
    l->backoff_ns = next_ns < BACKOFF_MIN_NS   ? BACKOFF_MIN_NS
                    : next_ns > BACKOFF_MAX_NS ? BACKOFF_MAX_NS
                                               : next_ns;
    // relaxed: a moment
    atomic_store_explicit(&l->retry_ns, lg__now(l->rt) + l->backoff_ns,
                          memory_order_relaxed);
}

static bool is_backing_off(lg_listener *l)
{
    // relaxed: as above
    int64_t retry_ns = atomic_load_explicit(&l->retry_ns, memory_order_relaxed);
    return retry_ns != 0 && lg__now(l->rt) < retry_ns;
}

static void forget_trouble(lg_listener *l)
{
    l->backoff_ns = 0;
    atomic_store_explicit(&l->retry_ns, 0, memory_order_relaxed);
}

// Whoever reads or writes first shakes hands: a slow client holds nobody up here.
static int make_ready(lg_listener *l, lg_conn *c, int fd)
{
    if (l->address.any.sa_family != AF_UNIX) {
        lg__socket_set_nodelay(fd);
    }
    lg__conn_adopt(c, fd);
    int err = l->tls ? lg__conntls_open(c, l->tls, NULL) : LG_OK;
    if (err) {
        lg__watch_free(&c->watch);
        return err;
    }
    l->ready = c;
    return LG_OK;
}

// LG_OK: l->ready; LG_EAGAIN; or an error.
static int try_accept(lg_listener *l)
{
    int fd = lg__socket_accept(l->watch.fd);
    lg_conn *c = fd >= 0 ? lg__conn_new(l->rt, l->strand) : NULL;
    if (fd >= 0 && !c) {
        lg__socket_close(fd);
        return LG_ENOMEM;
    }
    if (c) {
        forget_trouble(l);
        return make_ready(l, c, fd);
    }
    if (is_scarce(fd)) {
        back_off(l);
    }
    return fd == -EAGAIN ? LG_EAGAIN : lg__ioerr_of(fd);
}

static bool is_ready(struct waiter *w)
{
    lg_listener *l = w->owner;
    struct call_op *call = lg__call_op(w);
    if (w != first_of(l) || l->watch.fd < 0 || is_backing_off(l)) {
        return false;
    }
    call->rc = l->ready ? LG_OK : try_accept(l);
    return call->rc != LG_EAGAIN;
}

static void take(struct waiter *w)
{
    lg_listener *l = w->owner;
    struct call_op *call = lg__call_op(w);
    if (call->rc == LG_OK) {
        *(lg_conn **)call->out = l->ready;
        l->ready = NULL;
    }
    leave(w);
}

static int await(struct waiter *w)
{
    lg_listener *l = w->owner;
    // While it backs off, what comes would be of no use.
    int interest = is_backing_off(l) ? 0 : UV_READABLE;
    return lg__watch_for(&l->watch, l->strand, interest);
}

static int cut(struct waiter *w, int rc)
{
    (void)w;
    return rc;
}

static int64_t limit(struct waiter *w)
{
    lg_listener *l = w->owner;
    // relaxed: who changes it wakes those who wait
    return atomic_load_explicit(&l->deadline_ns, memory_order_relaxed);
}

static int64_t retry(struct waiter *w)
{
    lg_listener *l = w->owner;
    // relaxed: a moment
    int64_t retry_ns = atomic_load_explicit(&l->retry_ns, memory_order_relaxed);
    return retry_ns == 0 ? LG_NEVER : retry_ns;
}

static const struct call_kind accepting = {
    .reason = "io wait",
    .hook = hook,
    .unhook = unhook,
    .is_ready = is_ready,
    .take = take,
    .await = await,
    .cut = cut,
    .limit = limit,
    .retry = retry,
};

static void on_ready(struct io_watch *watch, int events)
{
    (void)events;
    lg_listener *l = listener_of(watch);
    while (lg__call_look(first_of(l))) {
    }
    if (!first_of(l) || is_backing_off(l)) {
        lg__watch_for(&l->watch, l->strand, 0);
    }
}

// ---------------------------------------------------------------------------
// Life
// ---------------------------------------------------------------------------

static void drop_ready(lg_listener *l)
{
    if (l->ready) {
        lg__watch_free(&l->ready->watch);
        l->ready = NULL;
    }
}

// Once: another listener may have the same path by now.
static void forget_path(lg_listener *l)
{
    lg__socket_unlink(&l->address);
    l->address = (struct socket_address){0};
}

static void on_orphan(struct io_watch *watch)
{
    lg_listener *l = listener_of(watch);
    l->strand = NULL;
    l->queue = (struct list){0}; // their goroutines are dropped
    forget_path(l);
}

static void on_free(struct io_watch *watch)
{
    lg_listener *l = listener_of(watch);
    lg__tlsconfig_put(l->tls);
    lg__alloc_free_for(&l->rt->alloc, LG_USE_BUFFERS, l, sizeof *l);
}

static void close_now(lg_listener *l)
{
    forget_path(l);
    lg__watch_close(&l->watch);
    drop_ready(l);
    struct waiter *w;
    while ((w = first_of(l))) {
        leave(w);
        lg__call_end(w, LG_ECLOSED);
    }
}

static int close_at_once(void *owner, int64_t amount)
{
    lg_listener *l = owner;
    (void)amount;
    if (l->watch.fd < 0) {
        return LG_ECLOSED;
    }
    close_now(l);
    return LG_OK;
}

static int free_at_once(void *owner, int64_t amount)
{
    lg_listener *l = owner;
    (void)amount;
    close_now(l);
    lg__watch_free(&l->watch);
    return LG_OK;
}

static int set_deadline_at_once(void *owner, int64_t deadline_ns)
{
    lg_listener *l = owner;
    // relaxed: as in limit()
    atomic_store_explicit(&l->deadline_ns, deadline_ns, memory_order_relaxed);
    struct node *next;
    for (struct node *node = l->queue.first; node; node = next) {
        next = node->next;
        lg__call_again(LG_CONTAINER_OF(node, struct waiter, node));
    }
    return LG_OK;
}

static int open_at(const struct socket_address *address, const lg_listen_options *opts,
                   uint32_t flags)
{
    int fd = lg__socket_open(address->any.sa_family);
    if (fd < 0) {
        return fd;
    }
    flags |= opts->shares_port ? SOCKET_SHARED_PORT : 0;
    flags |= opts->reserves ? SOCKET_RESERVED : 0;
    int backlog = opts->backlog > 0 ? opts->backlog : SOMAXCONN;
    int rc = lg__socket_listen(fd, address, backlog, flags);
    if (rc < 0) {
        lg__socket_close(fd);
    }
    return rc < 0 ? rc : fd;
}

static int open_socket(const struct address_text *text, const lg_listen_options *opts,
                       struct socket_address *place)
{
    bool is_both = text->network == NETWORK_TCP && text->host[0] == '\0';
    int fd = open_at(place, opts, is_both ? SOCKET_BOTH_FAMILIES : 0);
    if (fd == -EAFNOSUPPORT && is_both) { // no IPv6 here
        struct address_text four = *text;
        four.network = NETWORK_TCP4;
        lg__address_of_place(&four, place);
        fd = open_at(place, opts, 0);
    }
    return fd;
}

static lg_listener *listener_new(struct lg_g *g, struct lg_strand *s)
{
    lg_listener *l = lg__alloc_new_for(&g->rt->alloc, LG_USE_BUFFERS, sizeof *l);
    if (l) {
        l->rt = g->rt;
        l->strand = s;
        l->watch.on_ready = on_ready;
        l->watch.on_orphan = on_orphan;
        l->watch.on_free = on_free;
        atomic_init(&l->deadline_ns, LG_NEVER);
    }
    return l;
}

// ---------------------------------------------------------------------------
// Public
// ---------------------------------------------------------------------------

int lg_listen(const char *network, const char *address, const lg_listen_options *opts,
              lg_listener **out)
{
    static const lg_listen_options defaults;
    struct lg_g *g = lg__g_self();
    struct address_text text;
    struct socket_address place;
    struct lg_strand *s;
    int err = lg__address_parse(network, address, &text);
    err = err ? err : lg__address_of_place(&text, &place);
    if (opts && opts->tls && opts->tls->role != LG_TLS_SERVER) {
        err = LG_EINVAL;
    }
    err = err ? err : lg__io_strand(g, &s);
    if (err) {
        return err;
    }
    lg_listener *l = listener_new(g, s);
    if (!l) {
        return LG_ENOMEM;
    }
    int fd = open_socket(&text, opts ? opts : &defaults, &place);
    l->watch.fd = fd < 0 ? -1 : fd;
    if (fd < 0) {
        on_free(&l->watch);
        return lg__ioerr_of(fd);
    }
    l->address = place;
    l->tls = lg__tlsconfig_get(opts ? opts->tls : NULL);
    if (g->strand) {
        err = lg__watch_enlist(&l->watch, s);
    }
    if (err) {
        free_at_once(l, 0);
        return err;
    }
    *out = l;
    return LG_OK;
}

int lg_accept(lg_listener *l, lg_conn **out, int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&accepting, l);
    if (!w) {
        return LG_EAGAIN;
    }
    lg__call_op(w)->out = out;
    return lg__call(w, l->strand, deadline_ns);
}

int lg_listener_close(lg_listener *l)
{
    return lg__call_at_once(l->strand, close_at_once, l, 0);
}

void lg_listener_free(lg_listener *l)
{
    if (l) {
        lg__call_at_once(l->strand, free_at_once, l, 0);
    }
}

int lg_listener_set_deadline(lg_listener *l, int64_t deadline_ns)
{
    return lg__call_at_once(l->strand, set_deadline_at_once, l, deadline_ns);
}

int lg_listener_local(lg_listener *l, char *out, size_t size)
{
    struct socket_address address;
    int rc = l->watch.fd < 0 ? LG_ECLOSED
                             : lg__ioerr_of(lg__socket_name(l->watch.fd, &address));
    if (rc == LG_OK) {
        lg__address_format(&address, out, size);
    }
    return rc;
}
