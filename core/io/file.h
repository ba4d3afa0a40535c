// SPDX-License-Identifier: MIT
//
// Open files. Calls on one are done one after the other, in the order in which they came: the
// first in the queue is worked for, on a thread of libuv's, and nobody else touches the file
// meanwhile. All that such a thread uses is in memory of the C library's: it may outlive the
// loop.
//
//    queue:  first ------> second ----> ...
//            is_working:   waits, also for a cancellation
//            its thread
//            has fd, ahead
//
// What was read ahead is part of the file's own position for everybody but the system: a write or
// a seek goes back by so much first.
//
// A file without a position (is_stream: a fifo, a terminal) is a connection once it is open.
#ifndef LG_IO_FILE_H
#define LG_IO_FILE_H

#include "base/base.h"
#include "base/list.h"
#include "io/iowork.h"
#include "io/watch.h"
#include "lagoon.h"

struct waiter;

enum file_verb {
    FILE_OPEN,
    FILE_READ,
    FILE_WRITE,
    FILE_SEEK,
    FILE_SYNC,
    FILE_STAT,
    FILE_CLOSE,
};

// What one call wants, and how it went. Belongs to who waits, or to the loop's end.
struct file_op {
    lg_file *file;
    enum file_verb verb;
    bool is_done; // and rc tells how
    bool lends;   // who reads takes the bytes itself, when its wait is over
    int rc;
    // -- what is wanted --
    lg_want want; // of a read
    lg_whence whence;
    uint32_t flags; // of an opening
    char *text;     // its path, or what is written: a copy
    size_t size;    // how much is read or written
    int64_t offset;
    // -- what came of it --
    size_t ndone; // written
    lg_stat stat;
};

// What has been read and not been taken yet: bytes [start, end).
struct file_ahead {
    char *bytes; // of the C library's; NULL: none
    size_t cap;
    size_t next_cap; // of a file that is read on and on
    size_t start;
    size_t end;
    size_t nscanned; // of them, so many have no newline
};

struct lg_file {
    struct io_watch watch; // of no descriptor: it tells of the end of the loop
    struct io_work work;
    // -- inside the strand --
    struct lg_strand *strand; // NULL: its loop has ended
    struct list queue;        // waiters
    lg_conn *conn;            // of a stream
    struct file_op *op;       // that is worked for, while is_working
    bool is_working;
    bool is_going;  // somebody looks after the queue
    bool is_lent;   // to who has awaited something and takes it now
    bool is_closed; // nothing begins any more
    bool is_freed;  // nobody but the work has it
    // -- who works; else inside the strand --
    int fd; // -1: none
    bool is_stream;
    struct file_ahead ahead;
};

// A file that belongs to a strand, not open yet; NULL: no memory. It is freed when it is_freed
// and nobody is at it: lg__file_release() looks.
lg_file *lg__file_new(struct lg_strand *s);
void lg__file_release(lg_file *f);

// Closes it where nothing runs any more; the end of its loop does the rest.
void lg__file_end(lg_file *f);

// Makes a call with an operation, which it frees. elem: where to a read goes; NULL: its bytes
// stay, for the caller to take (op->lends).
int lg__file_call(struct file_op *op, void *out, void *elem);

// Goes on with the queue. Inside the strand.
void lg__file_go_on(lg_file *f);

// Does what an operation says, on a thread that it may block.
void lg__file_run(lg_file *f, struct file_op *op);

// How many bytes of those that are there a read gets. is_end: no more will come.
size_t lg__file_share(lg_file *f, const struct file_op *op, bool is_end);

// Whether that is all that it wants.
bool lg__file_has(lg_file *f, const struct file_op *op);

// Forgets n bytes that were read ahead, or all of them with their memory.
void lg__file_skip(lg_file *f, size_t n);
void lg__file_forget(lg_file *f);

LG_INLINE size_t lg__file_nahead(const lg_file *f)
{
    return f->ahead.end - f->ahead.start;
}

#endif // LG_IO_FILE_H
