// SPDX-License-Identifier: MIT
#include "io/conn.h"

#include <errno.h>

#include "io/address.h"
#include "io/call.h"
#include "io/conntls.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "os/pipe.h"
#include "os/socket.h"
#include "sched/park.h"
#include "sched/runtime.h"
#include "sched/strand.h"

static void on_ready(struct io_watch *watch, int events);

static lg_conn *conn_of(struct io_watch *watch)
{
    return LG_CONTAINER_OF(watch, lg_conn, watch);
}

// ---------------------------------------------------------------------------
// Life
// ---------------------------------------------------------------------------

static void on_orphan(struct io_watch *watch)
{
    lg_conn *c = conn_of(watch);
    if (c->is_dialed) {
        lg__dial_orphan(c->dial);
        return;
    }
    c->strand = NULL;
    c->reader = c->writer = NULL; // their goroutines are dropped
    lg__conntls_free(c);
    lg__inbuf_fini(&c->in, &c->rt->alloc);
    c->in_status = c->out_status = LG_ECLOSED;
}

static void on_free(struct io_watch *watch)
{
    lg_conn *c = conn_of(watch);
    lg__conntls_free(c);
    lg__inbuf_fini(&c->in, &c->rt->alloc);
    lg__alloc_free_for(&c->rt->alloc, LG_USE_BUFFERS, c, sizeof *c);
}

lg_conn *lg__conn_new(struct lg_runtime *rt, struct lg_strand *s)
{
    lg_conn *c = lg__alloc_new_for(&rt->alloc, LG_USE_BUFFERS, sizeof *c);
    if (c) {
        c->rt = rt;
        c->strand = s;
        c->watch.fd = -1;
        c->watch.on_orphan = on_orphan;
        c->watch.on_free = on_free;
        atomic_init(&c->deadline_ns, LG_NEVER);
    }
    if (c && lg__watch_enlist(&c->watch, s) != LG_OK) {
        on_free(&c->watch);
        c = NULL;
    }
    return c;
}

void lg__conn_adopt(lg_conn *c, int fd)
{
    c->watch.fd = fd;
    c->watch.on_ready = on_ready;
}

static struct waiter *starter_of(const lg_conn *c)
{
    return c->tls ? c->tls->starter : NULL;
}

void lg__conn_close(lg_conn *c)
{
    lg__watch_close(&c->watch);
    c->in_status = c->out_status = LG_ECLOSED;
    lg__inbuf_fini(&c->in, &c->rt->alloc);
    lg__call_end(starter_of(c), LG_ECLOSED);
    lg__conntls_free(c);
    lg__call_end(c->reader, LG_ECLOSED);
    lg__call_end(c->writer, LG_ECLOSED);
}

// Watches for what somebody waits for; and for reading once that has begun.
int lg__conn_watch(lg_conn *c)
{
    bool reads = c->is_read && !c->is_paused && c->in_status == LG_OK;
    int interest = (reads ? UV_READABLE : 0) | (c->writer ? UV_WRITABLE : 0);
    if (c->tls) {
        interest = lg__conntls_interest(c, reads);
    }
    return lg__watch_for(&c->watch, c->strand, interest);
}

int64_t lg__conn_limit(struct waiter *w)
{
    lg_conn *c = w->owner;
    // relaxed: who changes it wakes those who wait
    return atomic_load_explicit(&c->deadline_ns, memory_order_relaxed);
}

static void on_ready(struct io_watch *watched, int events)
{
    lg_conn *c = conn_of(watched);
    if (c->tls) { // each may wait for either
        lg__call_look(c->tls->starter);
        events = UV_WRITABLE | (c->is_read ? UV_READABLE : 0);
    }
    if (events & UV_READABLE) {
        lg__conn_on_readable(c);
    }
    if ((events & UV_WRITABLE) && lg__call_is_waiting(c->writer)) {
        lg__call_look(c->writer);
    }
    if (c->watch.fd >= 0) {
        lg__conn_watch(c);
    }
}

// ---------------------------------------------------------------------------
// What can be done at once, on the strand
// ---------------------------------------------------------------------------

static int close_at_once(void *owner, int64_t amount)
{
    lg_conn *c = owner;
    (void)amount;
    if (c->watch.fd < 0) {
        return LG_ECLOSED;
    }
    lg__conntls_part(c);
    lg__conn_close(c);
    return LG_OK;
}

static int free_at_once(void *owner, int64_t amount)
{
    lg_conn *c = owner;
    (void)amount;
    lg__conn_close(c);
    lg__watch_free(&c->watch);
    return LG_OK;
}

static int set_deadline_at_once(void *owner, int64_t deadline_ns)
{
    lg_conn *c = owner;
    // relaxed: as in lg__conn_limit()
    atomic_store_explicit(&c->deadline_ns, deadline_ns, memory_order_relaxed);
    lg__call_again(c->reader);
    lg__call_again(c->writer);
    lg__call_again(starter_of(c));
    return LG_OK;
}

// ---------------------------------------------------------------------------
// Public
// ---------------------------------------------------------------------------

// What lg_conn_adopt() was given, for the strand.
struct adoption {
    struct lg_runtime *rt;
    struct lg_strand *strand;
    bool is_shared;
    int watcher; // as in struct io_watch
    lg_conn *conn;
};

static int adopt_at_once(void *owner, int64_t fd)
{
    struct adoption *adoption = owner;
    adoption->conn = lg__conn_new(adoption->rt, adoption->strand);
    if (!adoption->conn) {
        return LG_ENOMEM;
    }
    lg__conn_adopt(adoption->conn, (int)fd);
    adoption->conn->watch.is_shared = adoption->is_shared;
    adoption->conn->watch.watcher = adoption->watcher;
    return LG_OK;
}

// What one that is no socket, and blocks, is watched by. Others can be read without waiting.
static int open_watcher(int fd, int *out)
{
    *out = 0;
    if (lg__socket_is(fd) || !lg__socket_blocks(fd)) {
        return LG_OK;
    }
    int watcher = lg__pipe_open_watcher(fd);
    if (watcher < 0) {
        return lg__ioerr_of(watcher);
    }
    *out = watcher;
    return LG_OK;
}

static int adopt(int fd, bool is_shared, lg_conn **out)
{
    struct lg_g *g = lg__g_self();
    struct adoption adoption = {.rt = g ? g->rt : NULL, .is_shared = is_shared};
    int rc = g ? LG_OK : LG_EAGAIN;
    if (rc == LG_OK) {
        rc = is_shared ? open_watcher(fd, &adoption.watcher)
                       : lg__ioerr_of(lg__socket_unblock(fd));
    }
    rc = rc ? rc : lg__io_strand(g, &adoption.strand);
    rc = rc ? rc : lg__call_at_once(adoption.strand, adopt_at_once, &adoption, fd);
    if (rc != LG_OK) {
        lg__socket_close(fd);
        if (adoption.watcher > 0) {
            lg__socket_close(adoption.watcher);
        }
        return rc;
    }
    *out = adoption.conn;
    return LG_OK;
}

int lg_conn_adopt(int fd, lg_conn **out)
{
    return adopt(fd, false, out);
}

int lg_conn_adopt_shared(int fd, lg_conn **out)
{
    return adopt(fd, true, out);
}

int lg_conn_close(lg_conn *c)
{
    return lg__call_at_once(c->strand, close_at_once, c, 0);
}

int lg_conn_set_deadline(lg_conn *c, int64_t deadline_ns)
{
    return lg__call_at_once(c->strand, set_deadline_at_once, c, deadline_ns);
}

void lg_conn_free(lg_conn *c)
{
    if (c) {
        lg__call_at_once(c->strand, free_at_once, c, 0);
    }
}

static int name_of(lg_conn *c, int (*ask)(int fd, struct socket_address *out), char *out,
                   size_t size)
{
    struct socket_address address;
    int rc = c->watch.fd < 0 ? LG_ECLOSED : lg__ioerr_of(ask(c->watch.fd, &address));
    if (rc == LG_OK) {
        lg__address_format(&address, out, size);
    }
    return rc;
}

int lg_conn_local(lg_conn *c, char *out, size_t size)
{
    return name_of(c, lg__socket_name, out, size);
}

int lg_conn_remote(lg_conn *c, char *out, size_t size)
{
    return name_of(c, lg__socket_peer, out, size);
}
