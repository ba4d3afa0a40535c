// SPDX-License-Identifier: MIT
#include "io/multi.h"

#include <signal.h>

#include "io/fetch.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "os/moment.h"
#include "os/thread.h"
#include "sched/runtime.h"
#include "sched/strand.h"

// How often in a row libcurl is called that wants to be called at once.
enum { ROUNDS_MAX = 16 };

static const int64_t NS_PER_MS = 1000 * 1000;

// One that libcurl wants to be told of, and closes itself.
struct multi_socket {
    uv_poll_t poll;
    struct node node; // in the multi's list
    struct multi *multi;
    struct lg_runtime *rt;
    curl_socket_t fd;
    int interest; // UV_READABLE, UV_WRITABLE
};

static void turn(struct multi *m, curl_socket_t fd, int events);

// ---------------------------------------------------------------------------
// What libcurl asks for
// ---------------------------------------------------------------------------

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct multi_socket *s = poll->data;
    if (status < 0) {
        // libuv has stopped. Of the error the next system call tells more, perhaps behind
        // bytes that have come before.
        events = UV_READABLE | UV_WRITABLE;
        uv_poll_start(poll, s->interest, on_poll);
    }
    int what = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
               (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    turn(s->multi, s->fd, what);
}

static struct multi_socket *socket_new(struct multi *m, curl_socket_t fd)
{
    struct multi_socket *s = lg__alloc_new_for(&m->rt->alloc, LG_USE_BUFFERS, sizeof *s);
    if (s && uv_poll_init(&m->loop->uv, &s->poll, fd) != 0) {
        lg__alloc_free_for(&m->rt->alloc, LG_USE_BUFFERS, s, sizeof *s);
        s = NULL;
    }
    if (s) {
        s->poll.data = s;
        s->multi = m;
        s->rt = m->rt;
        s->fd = fd;
        lg__list_push_back(&m->sockets, &s->node);
    }
    return s;
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct multi_socket *s = handle->data;
    ((struct io_loop *)handle->loop->data)->nclosing--;
    lg__alloc_free_for(&s->rt->alloc, LG_USE_BUFFERS, s, sizeof *s);
}

static void socket_free(struct multi_socket *s)
{
    struct io_loop *loop = s->multi->loop;
    lg__list_remove(&s->multi->sockets, &s->node);
    loop->nclosing++;
    loop->is_dirty = true;
    uv_close((uv_handle_t *)&s->poll, on_socket_closed);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ud, void *ud_of_fd)
{
    struct multi *m = ud;
    struct multi_socket *s = ud_of_fd;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (s) {
            lg__curl()->multi_assign(m->handle, fd, NULL);
            socket_free(s);
        }
        return 0;
    }
    if (!s) {
        s = socket_new(m, fd);
        if (!s) {
            return -1;
        }
        lg__curl()->multi_assign(m->handle, fd, s);
    }
    s->interest = (what & CURL_POLL_IN ? UV_READABLE : 0) |
                  (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    m->loop->is_dirty = true;
    int err = s->interest ? uv_poll_start(&s->poll, s->interest, on_poll)
                          : uv_poll_stop(&s->poll);
    return err ? -1 : 0; // then libcurl is of no use any more
}

// That moment takes the place of any other. libcurl says it anew after each call for a time-out,
// so one that lg__multi_nudge() has overwritten is not lost.
static int on_timer(CURLM *handle, long timeout_ms, void *ud)
{
    struct multi *m = ud;
    (void)handle;
    m->is_due = timeout_ms == 0;
    if (timeout_ms > 0) {
        lg__moment_set(m->moment.fd, timeout_ms * NS_PER_MS);
    } else if (timeout_ms < 0) {
        lg__moment_unset(m->moment.fd);
    }
    return 0;
}

// ---------------------------------------------------------------------------
// A turn
// ---------------------------------------------------------------------------

static struct lg_fetch *fetch_of(struct node *node)
{
    return LG_CONTAINER_OF(node, struct lg_fetch, touched);
}

static struct lg_fetch *fetch_of_easy(CURL *easy)
{
    void *f = NULL;
    lg__curl()->easy_getinfo(easy, CURLINFO_PRIVATE, &f);
    return f;
}

// A callback could not do what libcurl needs. New transfers get another multi.
static void fail_all(struct multi *m)
{
    m->is_retired = true;
    for (struct node *node = m->loop->fetches.first; node; node = node->next) {
        struct lg_fetch *f = LG_CONTAINER_OF(node, struct lg_fetch, node);
        if (f->multi == m) {
            lg__fetch_end(f, CURLE_OUT_OF_MEMORY);
        }
    }
}

static void take_leave(struct multi *m)
{
    int nleft;
    const CURLMsg *said;
    while ((said = lg__curl()->multi_info_read(m->handle, &nleft))) {
        if (said->msg == CURLMSG_DONE) {
            lg__fetch_end(fetch_of_easy(said->easy_handle), said->data.result);
        }
    }
}

static void work(struct multi *m, curl_socket_t fd, int events)
{
    int nrunning;
    sigset_t mask;
    if (fd == CURL_SOCKET_TIMEOUT) {
        m->is_due = false;
    }
    lg__thread_keep_signals_off(&mask); // from the threads that look names up, too
    CURLMcode code = lg__curl()->multi_socket_action(m->handle, fd, events, &nrunning);
    lg__thread_set_mask(&mask);
    take_leave(m);
    if (code == CURLM_OUT_OF_MEMORY || code == CURLM_ABORTED_BY_CALLBACK) {
        fail_all(m);
    }
}

static void look(struct multi *m)
{
    for (struct node *node; (node = lg__list_pop_front(&m->touched));) {
        fetch_of(node)->is_touched = false;
        lg__fetch_look(fetch_of(node));
    }
}

static void multi_end(struct multi *m)
{
    lg__list_remove(&m->loop->multis, &m->node);
    lg__curl()->multi_cleanup(m->handle);
    while (m->sockets.first) {
        socket_free(LG_CONTAINER_OF(m->sockets.first, struct multi_socket, node));
    }
    lg__watch_free(&m->moment);
}

void lg__multi_nudge(struct multi *m)
{
    if (m->is_due || m->touched.first) {
        lg__moment_set(m->moment.fd, 0);
    }
}

void lg__multi_leave(struct multi *m)
{
    lg__multi_nudge(m);
    if (m->is_retired && m->nfetches == 0) {
        multi_end(m);
    }
}

// The multi may be gone afterwards.
static void turn(struct multi *m, curl_socket_t fd, int events)
{
    work(m, fd, events);
    look(m);
    for (int i = 0; m->is_due && i < ROUNDS_MAX; i++) {
        work(m, CURL_SOCKET_TIMEOUT, 0);
        look(m);
    }
    lg__multi_leave(m);
}

static void on_moment(struct io_watch *watch, int events)
{
    (void)events;
    lg__moment_unset(watch->fd);
    turn(LG_CONTAINER_OF(watch, struct multi, moment), CURL_SOCKET_TIMEOUT, 0);
}

void lg__multi_touch(struct lg_fetch *f)
{
    if (!f->is_touched) {
        f->is_touched = true;
        lg__list_push_back(&f->multi->touched, &f->touched);
    }
}

// ---------------------------------------------------------------------------
// Life
// ---------------------------------------------------------------------------

static void on_free(struct io_watch *watch)
{
    struct multi *m = LG_CONTAINER_OF(watch, struct multi, moment);
    lg__alloc_free_for(&m->rt->alloc, LG_USE_BUFFERS, m, sizeof *m);
}

// The loop ends its multis before its watches.
static void on_orphan(struct io_watch *watch)
{
    (void)watch;
    LG_ASSERT(false);
}

static int open_handle(struct multi *m)
{
    const struct curl *curl = lg__curl();
    m->handle = curl->multi_init();
    if (!m->handle) {
        return LG_ENOMEM;
    }
    curl->multi_setopt(m->handle, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl->multi_setopt(m->handle, CURLMOPT_SOCKETDATA, m);
    curl->multi_setopt(m->handle, CURLMOPT_TIMERFUNCTION, on_timer);
    curl->multi_setopt(m->handle, CURLMOPT_TIMERDATA, m);
    return LG_OK;
}

static int multi_new(struct lg_strand *s, struct io_loop *loop, struct multi **out)
{
    struct multi *m = lg__alloc_new_for(&s->rt->alloc, LG_USE_BUFFERS, sizeof *m);
    if (!m) {
        return LG_ENOMEM;
    }
    m->rt = s->rt;
    m->loop = loop;
    m->moment.on_ready = on_moment;
    m->moment.on_orphan = on_orphan;
    m->moment.on_free = on_free;
    m->moment.fd = lg__moment_open();
    int err = m->moment.fd < 0 ? lg__ioerr_of(m->moment.fd) : open_handle(m);
    err = err ? err : lg__watch_for(&m->moment, s, UV_READABLE);
    if (err) {
        if (m->handle) {
            lg__curl()->multi_cleanup(m->handle);
        }
        lg__watch_free(&m->moment);
        return err;
    }
    lg__list_push_back(&loop->multis, &m->node);
    *out = m;
    return LG_OK;
}

int lg__multi_of(struct lg_strand *s, struct multi **out)
{
    struct io_loop *loop;
    int err = lg__ioloop_of(s, &loop);
    if (err) {
        return err;
    }
    struct node *last = loop->multis.last;
    struct multi *m = last ? LG_CONTAINER_OF(last, struct multi, node) : NULL;
    if (!m || m->is_retired) {
        return multi_new(s, loop, out);
    }
    *out = m;
    return LG_OK;
}

int lg__multi_add(struct multi *m, struct lg_fetch *f)
{
    if (lg__curl()->multi_add_handle(m->handle, f->easy) != CURLM_OK) {
        m->is_retired = true;
        lg__multi_leave(m);
        return LG_ENOMEM;
    }
    f->multi = m;
    m->nfetches++;
    lg__multi_nudge(m);
    return LG_OK;
}

void lg__multi_remove(struct lg_fetch *f)
{
    struct multi *m = f->multi;
    lg__curl()->multi_remove_handle(m->handle, f->easy);
    m->nfetches--;
    f->multi = NULL;
}

void lg__multi_retire(struct io_loop *loop)
{
    struct node *last = loop->multis.last;
    if (last) {
        struct multi *m = LG_CONTAINER_OF(last, struct multi, node);
        m->is_retired = true;
        lg__multi_leave(m);
    }
}

void lg__multi_end_all(struct io_loop *loop)
{
    while (loop->multis.first) {
        multi_end(LG_CONTAINER_OF(loop->multis.first, struct multi, node));
    }
}
