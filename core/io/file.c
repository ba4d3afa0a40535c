// SPDX-License-Identifier: MIT
//
// The queue of calls on a file, and its life.
#include "io/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/call.h"
#include "io/conn.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "os/disk.h"
#include "os/socket.h"
#include "sched/park.h"
#include "sched/runtime.h"
#include "sched/strand.h"

static struct waiter *first_of(lg_file *f)
{
    return f->queue.first ? LG_CONTAINER_OF(f->queue.first, struct waiter, node) : NULL;
}

// ---------------------------------------------------------------------------
// Life
// ---------------------------------------------------------------------------

static void op_free(struct file_op *op)
{
    free(op->text);
    free(op);
}

static void close_now(lg_file *f)
{
    if (f->fd >= 0) {
        lg__disk_close(f->fd);
        f->fd = -1;
    }
    f->is_closed = true;
    lg__file_forget(f);
}

void lg__file_end(lg_file *f)
{
    if (!f->is_working) {
        close_now(f);
    }
}

void lg__file_release(lg_file *f)
{
    if (f->is_freed && !f->is_working && !f->queue.first) {
        close_now(f);
        lg_conn_free(f->conn);
        lg__watch_free(&f->watch);
    }
}

static void on_free(struct io_watch *watch)
{
    free(LG_CONTAINER_OF(watch, lg_file, watch));
}

// Who waits is dropped; what is worked for goes on behind the loop (on_worked()). A file that is
// being opened is nobody's yet. The connection of a stream is an orphan already.
static void on_orphan(struct io_watch *watch)
{
    lg_file *f = LG_CONTAINER_OF(watch, lg_file, watch);
    f->strand = NULL;
    struct node *next;
    for (struct node *node = f->queue.first; node; node = next) {
        next = node->next;
        struct file_op *op = LG_CONTAINER_OF(node, struct waiter, node)->owner;
        f->is_freed |= op->verb == FILE_OPEN;
        if (op != f->op) {
            op_free(op);
        }
    }
    f->queue = (struct list){0};
    lg_conn_free(f->conn);
    f->conn = NULL;
    if (!f->is_working) {
        close_now(f);
        lg__file_release(f);
    }
}

// ---------------------------------------------------------------------------
// The queue
// ---------------------------------------------------------------------------

// Goes on with the first, and with whoever is the first then.
void lg__file_go_on(lg_file *f)
{
    if (f->is_going) {
        return;
    }
    f->is_going = true;
    while (!f->is_lent && lg__call_look(first_of(f))) {
    }
    f->is_going = false;
    lg__file_release(f);
}

static void on_pool(struct io_work *work)
{
    lg_file *f = LG_CONTAINER_OF(work, lg_file, work);
    lg__file_run(f, f->op);
}

static void on_worked(struct io_work *work)
{
    lg_file *f = LG_CONTAINER_OF(work, lg_file, work);
    struct file_op *op = f->op;
    f->op = NULL;
    f->is_working = false;
    op->is_done = true;
    if (work->is_orphan) {
        op_free(op);
        close_now(f);
    }
    lg__file_go_on(f);
}

lg_file *lg__file_new(struct lg_strand *s)
{
    lg_file *f = calloc(1, sizeof *f);
    if (f) {
        f->strand = s;
        f->fd = f->watch.fd = -1;
        f->watch.on_orphan = on_orphan;
        f->watch.on_free = on_free;
        f->work.fn = on_pool;
        f->work.on_done = on_worked;
    }
    return f;
}

static void end_others(lg_file *f, struct waiter *closer)
{
    struct node *next;
    for (struct node *node = f->queue.first; node; node = next) {
        next = node->next;
        struct waiter *w = LG_CONTAINER_OF(node, struct waiter, node);
        if (w != closer && w->owner != f->op) {
            lg__call_end(w, LG_ECLOSED);
        }
    }
}

static int hook(struct waiter *w)
{
    struct file_op *op = w->owner;
    lg_file *f = op->file;
    int rc = f->is_closed ? LG_ECLOSED : LG_OK;
    if (op->verb == FILE_OPEN) {
        rc = lg__watch_enlist(&f->watch, lg_strand_self());
        f->is_freed = rc != LG_OK;
    }
    if (rc != LG_OK) {
        op_free(op);
        lg__file_release(f);
        return rc;
    }
    f->is_lent = false; // or it has been taken in vain
    lg__list_push_back(&f->queue, &w->node);
    if (op->verb == FILE_CLOSE) {
        f->is_closed = true;
        end_others(f, w);
    }
    return LG_OK;
}

static void unhook(struct waiter *w)
{
    struct file_op *op = w->owner;
    lg_file *f = op->file;
    lg__list_remove(&f->queue, &w->node);
    f->is_lent = op->lends;
    f->is_freed |= op->verb == FILE_OPEN && op->rc != LG_OK;
    op_free(op);
    lg__file_go_on(f);
}

static bool is_ready(struct waiter *w)
{
    struct file_op *op = w->owner;
    lg_file *f = op->file;
    if (op->is_done || f->is_working || first_of(f) != w) {
        return op->is_done;
    }
    if (op->verb == FILE_READ && lg__file_has(f, op)) {
        op->is_done = true;
        return true;
    }
    f->op = op;
    f->is_working = true;
    int rc = lg__work_start(&f->work, f->strand); // its thread writes to op from here on
    if (rc != LG_OK) {
        f->op = NULL;
        f->is_working = false;
        op->rc = rc;
        op->is_done = true;
    }
    return rc != LG_OK;
}

// ---------------------------------------------------------------------------
// What comes of a call
// ---------------------------------------------------------------------------

// What came before an error is read first, but for all of it.
static int take_read(lg_file *f, struct file_op *op, struct waiter *w)
{
    bool is_end = op->rc != LG_OK && op->rc != LG_ENOMEM;
    size_t n = lg__file_share(f, op, is_end);
    int rc = op->rc;
    if (rc == LG_EOF && op->want == LG_WANT_ALL) {
        rc = LG_OK;
    } else if (n > 0 && op->want != LG_WANT_ALL) {
        rc = LG_OK;
    } else if (n == 0 && rc == LG_EOF) {
        lg__file_forget(f); // an idle file needs no memory
    }
    if (w->elem && n > 0) {
        memcpy(w->elem, f->ahead.bytes + f->ahead.start, n);
        lg__file_skip(f, n);
    }
    op->lends = !w->elem && n > 0;
    *(size_t *)lg__call_op(w)->out = n;
    return rc;
}

static int take_open(lg_file *f, struct file_op *op, struct waiter *w)
{
    if (op->rc == LG_OK && f->is_stream) {
        f->conn = lg__conn_new(f->strand->rt, f->strand);
        op->rc = f->conn ? lg__ioerr_of(lg__socket_unblock(f->fd)) : LG_ENOMEM;
        if (op->rc == LG_OK) {
            lg__conn_adopt(f->conn, f->fd);
            f->fd = -1;
            // behind its connection, when the loop ends
            lg__list_remove(&f->watch.loop->watches, &f->watch.node);
            lg__list_push_back(&f->watch.loop->watches, &f->watch.node);
        }
    }
    if (op->rc == LG_OK) {
        *(lg_file **)lg__call_op(w)->out = f;
    }
    return op->rc;
}

static void take(struct waiter *w)
{
    struct file_op *op = w->owner;
    struct call_op *call = lg__call_op(w);
    call->rc = op->rc;
    switch (op->verb) {
    case FILE_OPEN: call->rc = take_open(op->file, op, w); break;
    case FILE_READ: call->rc = take_read(op->file, op, w); break;
    case FILE_WRITE: *(size_t *)call->out = op->ndone; break;
    case FILE_SEEK: *(int64_t *)call->out = op->offset; break;
    case FILE_STAT: *(lg_stat *)call->out = op->stat; break;
    case FILE_SYNC:
    case FILE_CLOSE: break;
    }
}

static int await(struct waiter *w)
{
    (void)w;
    return LG_OK;
}

static int cut(struct waiter *w, int rc)
{
    (void)w;
    return rc;
}

#define FILING                                                            \
    .reason = "io wait", .is_firm = true, .hook = hook, .unhook = unhook, \
    .is_ready = is_ready, .take = take, .await = await, .cut = cut

static const struct call_kind filing = {FILING};
static const struct call_kind closing = {FILING, .is_sure = true};

// ---------------------------------------------------------------------------
// A call
// ---------------------------------------------------------------------------

// An operation that has not begun. What it should have opened is nobody's.
static void refuse(struct file_op *op)
{
    lg_file *f = op->file;
    if (op->verb == FILE_OPEN) {
        f->is_freed = true;
        lg__file_release(f);
    }
    op_free(op);
}

int lg__file_call(struct file_op *op, void *out, void *elem)
{
    struct lg_strand *strand = op->file->strand;
    const struct call_kind *kind = op->verb == FILE_CLOSE ? &closing : &filing;
    struct waiter *w = lg__call_prepare(kind, op);
    if (!w || !strand) {
        refuse(op);
        return w ? LG_ECLOSED : LG_EAGAIN;
    }
    w->elem = elem;
    lg__call_op(w)->out = out;
    int rc = lg__call(w, strand, LG_NEVER);
    if (rc != LG_WAIT && !lg__call_op(w)->has_begun) {
        refuse(op);
    }
    return rc;
}
