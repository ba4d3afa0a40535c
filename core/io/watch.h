// SPDX-License-Identifier: MIT
//
// A descriptor of a loop, which watches it from when somebody first has to wait for it on.
//
// libuv tells when it is readable or writable (uv_poll); reading and writing are ours. Its
// own streams would copy what cannot be written at once, could not say how much of it is gone
// when a deadline passes, and may raise SIGPIPE, which is the host's business.
#ifndef LG_IO_WATCH_H
#define LG_IO_WATCH_H

#include <uv.h>

#include "base/base.h"
#include "base/list.h"

struct io_loop;
struct lg_strand;

struct io_watch {
    uv_poll_t poll;
    struct node node;     // in the loop's list, until it is freed: also when it is closed
    struct io_loop *loop; // NULL: in none
    int fd;               // -1: closed
    int interest;         // UV_READABLE, UV_WRITABLE: what is watched for

    // What has come, UV_READABLE and UV_WRITABLE; both after an error, of which the next
    // system call tells more.
    void (*on_ready)(struct io_watch *watch, int events);
    // Its loop is being closed, and has closed the descriptor if that was open. The strand
    // is gone with it.
    void (*on_orphan)(struct io_watch *watch);
    // Nobody refers to the record any more; called once, by lg__watch_free() or later.
    void (*on_free)(struct io_watch *watch);
    int watcher;    // stands for one that blocks, which libuv would change; 0: none
    bool is_shared; // whether it blocks is others' business: that stays as it is
    bool is_begun;  // libuv knows it
    bool is_freed;
};

// Tells the loop of a strand, inside, that it has the descriptor. LG_OK or LG_ENOMEM.
int lg__watch_enlist(struct io_watch *watch, struct lg_strand *s);

// Watches for what is said, and no more for anything else; the first time the loop of
// the strand gets to know it. LG_OK, LG_ENOMEM, or what the system has against it.
int lg__watch_for(struct io_watch *watch, struct lg_strand *s, int interest);

// Closes the descriptor, if it is open. The loop still knows the record.
void lg__watch_close(struct io_watch *watch);

// Closes it, and takes the record away when libuv is done with it.
void lg__watch_free(struct io_watch *watch);

// By the loop that ends: it has taken it out of its list.
void lg__watch_orphan(struct io_watch *watch);

#endif // LG_IO_WATCH_H
