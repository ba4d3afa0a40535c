// SPDX-License-Identifier: MIT
//
// Work for libuv's threads: system calls that no descriptor announces, as those on files.
//
// What has begun is waited for, whatever comes meanwhile: it works on memory of the caller's. The
// end of a loop waits for it only if it has no `drop`; else it may go on behind it.
#ifndef LG_IO_IOWORK_H
#define LG_IO_IOWORK_H

#include <uv.h>

#include "base/base.h"
#include "base/list.h"

struct io_loop;

struct io_work {
    uv_work_t request;
    struct node node; // in the loop's list, while it is under way
    struct io_loop *loop;
    struct waiter *waiter; // NULL: its goroutine is dropped
    void (*fn)(void *arg);
    void (*drop)(void *arg); // for who is dropped; or NULL
    void *arg;
    bool is_done;
};

// By the loop that ends.
void lg__work_orphan(struct io_work *work);

#endif // LG_IO_IOWORK_H
