// SPDX-License-Identifier: MIT
//
// What happens to a file or in a directory, as libuv's loop is told by the system: one descriptor
// of inotify's for all that a loop watches.
//
// Events are kept until they are asked for, EVENTS_MAX of them. What comes then is lost, which the
// event behind them says; it is taken before others are kept again.
#include <stddef.h>
#include <string.h>

#include "io/call.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "io/watch.h"
#include "sched/park.h"
#include "sched/runtime.h"

enum { EVENTS_MAX = LG_SIZED(1024, 16) };

struct event {
    struct node node;
    lg_fs_kind kind;
    uint32_t size_bytes; // with the name and its zero
    char name[];
};

struct lg_fswatch {
    uv_fs_event_t handle;
    struct io_watch watch; // of no descriptor: it tells of the end of the loop
    struct lg_runtime *rt;
    struct lg_strand *strand; // NULL: its loop has ended
    // -- inside the strand --
    struct list events; // oldest first
    uint32_t nevents;
    bool is_lossy;  // something has happened behind them that is not there
    bool is_begun;  // libuv knows the handle
    bool is_closed; // and will soon not know it any more
    bool is_freed;
    struct waiter *reader;
};

static size_t event_bytes(size_t name_length)
{
    return offsetof(struct event, name) + name_length + 1;
}

// ---------------------------------------------------------------------------
// What has happened
// ---------------------------------------------------------------------------

static struct event *event_of(struct node *node)
{
    return node ? LG_CONTAINER_OF(node, struct event, node) : NULL;
}

static void drop_first(lg_fswatch *w)
{
    struct event *event = event_of(lg__list_pop_front(&w->events));
    w->nevents--;
    lg__alloc_free_for(&w->rt->alloc, LG_USE_BUFFERS, event, event->size_bytes);
}

// As the system does: the same once more before anybody has heard of it is once.
static bool is_repeated(lg_fswatch *w, lg_fs_kind kind, const char *name)
{
    const struct event *last = event_of(w->events.last);
    return last && last->kind == kind && strcmp(last->name, name) == 0;
}

static void keep(lg_fswatch *w, lg_fs_kind kind, const char *name)
{
    if (w->is_lossy || is_repeated(w, kind, name)) {
        return;
    }
    size_t length = strnlen(name, LG_FS_NAME_SIZE - 1);
    size_t size = event_bytes(length);
    struct event *event = w->nevents == EVENTS_MAX
                              ? NULL
                              : lg__alloc_raw_for(&w->rt->alloc, LG_USE_BUFFERS, size);
    if (!event) {
        w->is_lossy = true;
        return;
    }
    *event = (struct event){.kind = kind, .size_bytes = (uint32_t)size};
    memcpy(event->name, name, length);
    event->name[length] = '\0';
    lg__list_push_back(&w->events, &event->node);
    w->nevents++;
}

static void on_event(uv_fs_event_t *handle, const char *name, int events, int status)
{
    lg_fswatch *w = handle->data;
    name = name ? name : "";
    if (status < 0) {
        w->is_lossy = true;
    }
    if (events & UV_RENAME) {
        keep(w, LG_FS_RENAME, name);
    }
    if (events & UV_CHANGE) {
        keep(w, LG_FS_CHANGE, name);
    }
    lg__call_look(w->reader);
}

// ---------------------------------------------------------------------------
// Waiting for it
// ---------------------------------------------------------------------------

static int hook(struct waiter *waiter)
{
    lg_fswatch *w = waiter->owner;
    if (w->is_closed) {
        return LG_ECLOSED;
    }
    if (w->reader) {
        return LG_EBUSY;
    }
    w->reader = waiter;
    return LG_OK;
}

static void unhook(struct waiter *waiter)
{
    ((lg_fswatch *)waiter->owner)->reader = NULL;
}

static bool has_event(struct waiter *waiter)
{
    lg_fswatch *w = waiter->owner;
    return w->nevents > 0 || w->is_lossy;
}

static void take(struct waiter *waiter)
{
    lg_fswatch *w = waiter->owner;
    struct call_op *call = lg__call_op(waiter);
    lg_fs_event *out = call->out;
    call->rc = LG_OK;
    if (w->nevents == 0) {
        w->is_lossy = false;
        *out = (lg_fs_event){.kind = LG_FS_LOST};
        return;
    }
    struct event *event = event_of(w->events.first);
    out->kind = event->kind;
    memcpy(out->name, event->name, event->size_bytes - event_bytes(0) + 1);
    drop_first(w);
}

static int await(struct waiter *waiter)
{
    (void)waiter;
    return LG_OK;
}

static int cut(struct waiter *waiter, int rc)
{
    (void)waiter;
    return rc;
}

static const struct call_kind awaiting = {
    .reason = "io wait",
    .hook = hook,
    .unhook = unhook,
    .is_ready = has_event,
    .take = take,
    .await = await,
    .cut = cut,
};

// ---------------------------------------------------------------------------
// Life
// ---------------------------------------------------------------------------

static void free_if_done(lg_fswatch *w)
{
    if (w->is_freed && !w->is_begun) {
        lg__watch_free(&w->watch);
    }
}

static void on_closed(uv_handle_t *handle)
{
    lg_fswatch *w = handle->data;
    ((struct io_loop *)handle->loop->data)->nclosing--;
    w->is_begun = false;
    free_if_done(w);
}

static void close_now(lg_fswatch *w)
{
    w->is_closed = true;
    if (w->is_begun && !uv_is_closing((uv_handle_t *)&w->handle)) {
        struct io_loop *loop = w->handle.loop->data;
        loop->nclosing++;
        loop->is_dirty = true;
        uv_close((uv_handle_t *)&w->handle, on_closed);
    }
    while (w->nevents > 0) {
        drop_first(w);
    }
}

static void on_orphan(struct io_watch *watch)
{
    lg_fswatch *w = LG_CONTAINER_OF(watch, lg_fswatch, watch);
    w->strand = NULL;
    w->reader = NULL; // its goroutine is dropped
    close_now(w);
}

static void on_free(struct io_watch *watch)
{
    lg_fswatch *w = LG_CONTAINER_OF(watch, lg_fswatch, watch);
    lg__alloc_free_for(&w->rt->alloc, LG_USE_BUFFERS, w, sizeof *w);
}

static int free_at_once(void *owner, int64_t amount)
{
    lg_fswatch *w = owner;
    (void)amount;
    close_now(w);
    w->is_freed = true;
    free_if_done(w);
    return LG_OK;
}

static int close_at_once(void *owner, int64_t amount)
{
    lg_fswatch *w = owner;
    (void)amount;
    if (w->is_closed) {
        return LG_ECLOSED;
    }
    close_now(w);
    lg__call_end(w->reader, LG_ECLOSED);
    return LG_OK;
}

// What lg_fswatch_open() was given, for the strand.
struct opening {
    struct lg_runtime *rt;
    struct lg_strand *strand;
    const char *path;
    lg_fswatch *made;
};

static lg_fswatch *fswatch_new(const struct opening *opening)
{
    lg_fswatch *w = lg__alloc_new_for(&opening->rt->alloc, LG_USE_BUFFERS, sizeof *w);
    if (w) {
        w->rt = opening->rt;
        w->strand = opening->strand;
        w->watch.fd = -1;
        w->watch.on_orphan = on_orphan;
        w->watch.on_free = on_free;
    }
    if (w && lg__watch_enlist(&w->watch, opening->strand) != LG_OK) {
        on_free(&w->watch);
        w = NULL;
    }
    return w;
}

static int open_at_once(void *owner, int64_t amount)
{
    struct opening *opening = owner;
    (void)amount;
    lg_fswatch *w = fswatch_new(opening);
    if (!w) {
        return LG_ENOMEM;
    }
    struct io_loop *loop = w->watch.loop;
    uv_fs_event_init(&loop->uv, &w->handle); // never fails
    w->handle.data = w;
    w->is_begun = true;
    int rc = lg__ioerr_of(uv_fs_event_start(&w->handle, on_event, opening->path, 0));
    loop->is_dirty = true;
    if (rc != LG_OK) {
        free_at_once(w, 0);
        return rc;
    }
    opening->made = w;
    return LG_OK;
}

// ---------------------------------------------------------------------------
// Public
// ---------------------------------------------------------------------------

int lg_fswatch_open(const char *path, lg_fswatch **out)
{
    struct lg_g *g = lg__g_self();
    struct opening opening = {.rt = g ? g->rt : NULL, .path = path};
    int rc = g ? lg__io_strand(g, &opening.strand) : LG_EAGAIN;
    rc = rc ? rc : lg__call_at_once(opening.strand, open_at_once, &opening, 0);
    if (rc == LG_OK) {
        *out = opening.made;
    }
    return rc;
}

int lg_fswatch_next(lg_fswatch *w, lg_fs_event *out, int64_t deadline_ns)
{
    struct waiter *waiter = lg__call_prepare(&awaiting, w);
    if (!waiter || !w->strand) {
        return waiter ? LG_ECLOSED : LG_EAGAIN;
    }
    lg__call_op(waiter)->out = out;
    return lg__call(waiter, w->strand, deadline_ns);
}

int lg_fswatch_close(lg_fswatch *w)
{
    return lg__call_at_once(w->strand, close_at_once, w, 0);
}

void lg_fswatch_free(lg_fswatch *w)
{
    if (w) {
        lg__call_at_once(w->strand, free_at_once, w, 0);
    }
}
