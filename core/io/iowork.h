// SPDX-License-Identifier: MIT
//
// Work for libuv's threads: system calls that no descriptor announces, as those on files.
//
// What has begun is waited for, whatever comes meanwhile. The end of a loop waits for it only
// if it must, since it works on memory of somebody's who would not; else it may go on behind it.
#ifndef LG_IO_IOWORK_H
#define LG_IO_IOWORK_H

#include <uv.h>

#include "base/base.h"
#include "base/list.h"

struct io_loop;
struct lg_strand;

struct io_work {
    uv_work_t request;
    struct node node; // in the loop's list, while it is under way
    struct io_loop *loop;
    void (*fn)(struct io_work *work); // on a thread of libuv's
    // On the strand; in the end of its loop, if that comes first (is_orphan), or then never.
    void (*on_done)(struct io_work *work);
    bool must_end; // the end of the loop waits for it
    bool is_orphan;
};

// Begins it in the loop of a strand, inside. LG_OK or LG_ENOMEM.
int lg__work_start(struct io_work *work, struct lg_strand *s);

// By the loop that ends.
void lg__work_orphan(struct io_work *work);

#endif // LG_IO_IOWORK_H
