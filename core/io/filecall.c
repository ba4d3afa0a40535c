// SPDX-License-Identifier: MIT
//
// The calls on files. Those on a stream are its connection's.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/call.h"
#include "io/conn.h"
#include "io/file.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "os/disk.h"
#include "sched/park.h"
#include "sched/runtime.h"

static struct file_op *op_new(lg_file *f, enum file_verb verb)
{
    struct file_op *op = calloc(1, sizeof *op);
    if (op) {
        op->file = f;
        op->verb = verb;
    }
    return op;
}

// An operation with a copy of what it is about: its thread may go on when the caller is gone.
static struct file_op *op_with(lg_file *f, enum file_verb verb, const void *text,
                               size_t size)
{
    struct file_op *op = op_new(f, verb);
    if (op) {
        op->size = size;
        op->text = malloc(size > 0 ? size : 1);
    }
    if (op && !op->text) {
        free(op);
        op = NULL;
    }
    if (op && size > 0) {
        memcpy(op->text, text, size);
    }
    return op;
}

static int make(struct file_op *op, void *out, void *elem)
{
    return op ? lg__file_call(op, out, elem) : LG_ENOMEM;
}

// ---------------------------------------------------------------------------
// Opening and closing
// ---------------------------------------------------------------------------

int lg_file_open(const char *path, uint32_t flags, lg_file **out)
{
    struct lg_g *g = lg__g_self();
    struct lg_strand *strand;
    if (!g) {
        return LG_EAGAIN;
    }
    int rc = lg__io_strand(g, &strand);
    lg_file *f = rc ? NULL : lg__file_new(strand);
    if (!f) {
        return rc ? rc : LG_ENOMEM;
    }
    struct file_op *op = op_with(f, FILE_OPEN, path, strlen(path) + 1);
    if (!op) {
        free(f);
        return LG_ENOMEM;
    }
    op->flags = flags;
    return lg__file_call(op, out, NULL);
}

int lg_file_close(lg_file *f)
{
    return f->conn ? lg_conn_close(f->conn) : make(op_new(f, FILE_CLOSE), NULL, NULL);
}

static int free_at_once(void *owner, int64_t amount)
{
    lg_file *f = owner;
    (void)amount;
    f->is_freed = true;
    if (f->strand && lg_strand_self() != f->strand) {
        lg__file_end(f);
    } else {
        lg__file_release(f);
    }
    return LG_OK;
}

void lg_file_free(lg_file *f)
{
    if (f) {
        lg__call_at_once(f->strand, free_at_once, f, 0);
    }
}

// ---------------------------------------------------------------------------
// Reading
// ---------------------------------------------------------------------------

int lg_file_read(lg_file *f, void *buffer, size_t size, size_t *out_n,
                 int64_t deadline_ns)
{
    if (size == 0) {
        return LG_EINVAL;
    }
    if (f->conn) {
        return lg_conn_read(f->conn, buffer, size, out_n, deadline_ns);
    }
    struct file_op *op = op_new(f, FILE_READ);
    if (op) {
        op->want = LG_WANT_SOME;
        op->size = size;
    }
    return make(op, out_n, buffer);
}

// What is there already needs no queue, if there is none.
static bool is_there(lg_file *f, const struct file_op *want)
{
    return !f->is_closed && !f->is_working && !f->queue.first && lg__file_has(f, want);
}

int lg_file_await(lg_file *f, lg_want want, size_t n, size_t *out_n, int64_t deadline_ns)
{
    struct lg_g *g = lg__g_self();
    if (f->conn) {
        return lg_conn_await(f->conn, want, n, out_n, deadline_ns);
    }
    if (!g || g->strand != f->strand) {
        return g ? LG_EPERM : LG_EAGAIN;
    }
    struct file_op wanted = {.want = want, .size = want == LG_WANT_EXACT ? n : 0};
    if (is_there(f, &wanted)) {
        if (lg__take_cancel()) {
            return LG_ECANCELED;
        }
        *out_n = lg__file_share(f, &wanted, false);
        return LG_OK;
    }
    struct file_op *op = op_new(f, FILE_READ);
    if (op) {
        op->want = want;
        op->size = wanted.size;
    }
    return make(op, out_n, NULL);
}

size_t lg_file_peek(const lg_file *f, const void **out)
{
    if (f->conn) {
        return lg_conn_peek(f->conn, out);
    }
    *out = f->ahead.bytes + f->ahead.start;
    return lg__file_nahead(f);
}

void lg_file_skip(lg_file *f, size_t n)
{
    if (f->conn) {
        lg_conn_skip(f->conn, n);
        return;
    }
    LG_MISUSE_IF(n > lg__file_nahead(f), "lg_file_skip() of more than there is");
    lg__file_skip(f, n);
    if (f->is_lent) {
        f->is_lent = false;
        lg__file_go_on(f);
    }
}

// ---------------------------------------------------------------------------
// The others
// ---------------------------------------------------------------------------

int lg_file_write(lg_file *f, const void *data, size_t size, size_t *out_n,
                  int64_t deadline_ns)
{
    *out_n = 0;
    if (f->conn) {
        return lg_conn_write(f->conn, data, size, out_n, deadline_ns);
    }
    return make(op_with(f, FILE_WRITE, data, size), out_n, NULL);
}

int lg_file_seek(lg_file *f, int64_t offset, lg_whence whence, int64_t *out)
{
    if (f->conn) {
        return LG_ESYSTEM - ESPIPE;
    }
    struct file_op *op = op_new(f, FILE_SEEK);
    if (op) {
        op->offset = offset;
        op->whence = whence;
    }
    return make(op, out, NULL);
}

int lg_file_sync(lg_file *f)
{
    return f->conn ? LG_ESYSTEM - EINVAL : make(op_new(f, FILE_SYNC), NULL, NULL);
}

// What lg_file_stat() was given, for the strand.
struct question {
    lg_conn *conn;
    lg_stat *out;
};

static int stat_at_once(void *owner, int64_t amount)
{
    struct question *question = owner;
    (void)amount;
    int fd = question->conn->watch.fd;
    return fd < 0 ? LG_ECLOSED : lg__ioerr_of(lg__disk_stat(fd, question->out));
}

int lg_file_stat(lg_file *f, lg_stat *out)
{
    struct question question = {f->conn, out};
    return f->conn ? lg__call_at_once(f->conn->strand, stat_at_once, &question, 0)
                   : make(op_new(f, FILE_STAT), out, NULL);
}
