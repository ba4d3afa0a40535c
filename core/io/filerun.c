// SPDX-License-Identifier: MIT
//
// What is done to files, on threads that it may block.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/ioerr.h"
#include "os/disk.h"

// How much is read at once and kept for the next read: the double each time, for who reads on.
// In the check build lines are rarely whole.
enum {
    PIECE_BYTES = LG_SIZED(64 * 1024, 128),
    AHEAD_BYTES_MAX = LG_SIZED(512 * 1024, 512),
};

// ---------------------------------------------------------------------------
// What was read ahead
// ---------------------------------------------------------------------------

// How many bytes up to and with the first newline; 0: there is none.
static size_t line_of(struct file_ahead *ahead)
{
    const char *from = ahead->bytes + ahead->start;
    size_t size = ahead->end - ahead->start;
    if (size == ahead->nscanned) {
        return 0;
    }
    const char *newline = memchr(from + ahead->nscanned, '\n', size - ahead->nscanned);
    if (newline) {
        return (size_t)(newline - from) + 1;
    }
    ahead->nscanned = size;
    return 0;
}

size_t lg__file_share(lg_file *f, const struct file_op *op, bool is_end)
{
    size_t size = lg__file_nahead(f);
    switch (op->want) {
    case LG_WANT_SOME: break;
    case LG_WANT_EXACT: return size >= op->size ? op->size : is_end ? size : 0;
    case LG_WANT_LINE: {
        size_t line = line_of(&f->ahead);
        return line > 0 ? line : is_end ? size : 0;
    }
    case LG_WANT_ALL: return is_end ? size : 0;
    }
    size_t most = op->size > 0 ? op->size : PIECE_BYTES;
    return size < most ? size : most;
}

bool lg__file_has(lg_file *f, const struct file_op *op)
{
    bool is_nothing = op->want == LG_WANT_EXACT && op->size == 0;
    return is_nothing || lg__file_share(f, op, false) > 0;
}

void lg__file_forget(lg_file *f)
{
    free(f->ahead.bytes);
    f->ahead = (struct file_ahead){0};
}

void lg__file_skip(lg_file *f, size_t n)
{
    struct file_ahead *ahead = &f->ahead;
    ahead->start += n;
    ahead->nscanned = ahead->nscanned > n ? ahead->nscanned - n : 0;
    if (ahead->start < ahead->end) {
        return;
    }
    ahead->start = ahead->end = 0;
    if (ahead->cap > AHEAD_BYTES_MAX) {
        lg__file_forget(f);
    }
}

// Room for one piece more, or for as much as is there already: twice the memory then.
static int make_room(struct file_ahead *ahead)
{
    if (ahead->start > 0) {
        memmove(ahead->bytes, ahead->bytes + ahead->start, ahead->end - ahead->start);
        ahead->end -= ahead->start;
        ahead->start = 0;
    }
    bool is_small = ahead->end == 0 && ahead->cap < ahead->next_cap;
    if (ahead->cap > ahead->end && !is_small) {
        return LG_OK;
    }
    size_t cap = is_small         ? ahead->next_cap
                 : ahead->cap > 0 ? 2 * ahead->cap
                                  : PIECE_BYTES;
    char *bytes = realloc(ahead->bytes, cap);
    if (!bytes) {
        return LG_ENOMEM;
    }
    ahead->bytes = bytes;
    ahead->cap = cap;
    return LG_OK;
}

// Puts the system's position back to where the file's own is. What has none keeps the bytes.
static void go_back(lg_file *f)
{
    int64_t n = (int64_t)lg__file_nahead(f);
    if (n > 0 && lg__disk_seek(f->fd, -n, LG_FROM_HERE) >= 0) {
        lg__file_skip(f, (size_t)n);
        f->ahead.next_cap = 0;
    }
}

// ---------------------------------------------------------------------------
// The operations
// ---------------------------------------------------------------------------

static int run_open(lg_file *f, struct file_op *op)
{
    int fd = lg__disk_open(op->text, op->flags, &f->is_stream);
    if (fd < 0) {
        return lg__ioerr_of(fd);
    }
    f->fd = fd;
    return LG_OK;
}

static int run_read(lg_file *f, struct file_op *op)
{
    struct file_ahead *ahead = &f->ahead;
    while (!lg__file_has(f, op)) {
        int rc = make_room(ahead);
        if (rc) {
            return rc;
        }
        size_t room = ahead->cap - ahead->end;
        ssize_t n = lg__disk_read(f->fd, ahead->bytes + ahead->end, room);
        if (n <= 0) {
            return n == 0 ? LG_EOF : lg__ioerr_of((int)n);
        }
        ahead->end += (size_t)n;
        if ((size_t)n == room && 2 * ahead->cap <= AHEAD_BYTES_MAX) {
            ahead->next_cap = 2 * ahead->cap;
        }
    }
    return LG_OK;
}

static int run_write(lg_file *f, struct file_op *op)
{
    go_back(f);
    while (op->ndone < op->size) {
        ssize_t n = lg__disk_write(f->fd, op->text + op->ndone, op->size - op->ndone);
        if (n < 0) {
            return lg__ioerr_of((int)n);
        }
        op->ndone += (size_t)n;
    }
    return LG_OK;
}

static int run_seek(lg_file *f, struct file_op *op)
{
    go_back(f);
    int64_t at = lg__disk_seek(f->fd, op->offset, op->whence);
    if (at < 0) {
        return lg__ioerr_of((int)at);
    }
    op->offset = at;
    return LG_OK;
}

static int run_close(lg_file *f)
{
    int fd = f->fd;
    f->fd = -1;
    lg__file_forget(f);
    return fd < 0 ? LG_ECLOSED : lg__ioerr_of(lg__disk_close(fd));
}

static int run(lg_file *f, struct file_op *op)
{
    switch (op->verb) {
    case FILE_OPEN: return run_open(f, op);
    case FILE_READ: return run_read(f, op);
    case FILE_WRITE: return run_write(f, op);
    case FILE_SEEK: return run_seek(f, op);
    case FILE_SYNC: return lg__ioerr_of(lg__disk_sync(f->fd));
    case FILE_STAT: return lg__ioerr_of(lg__disk_stat(f->fd, &op->stat));
    case FILE_CLOSE: return run_close(f);
    }
    return LG_EINVAL;
}

void lg__file_run(lg_file *f, struct file_op *op)
{
    op->rc = run(f, op);
}
