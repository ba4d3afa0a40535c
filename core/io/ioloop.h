// SPDX-License-Identifier: MIT
//
// A strand's loop: libuv waits for what the strand's goroutines do outside. Only the M inside
// touches it, so nothing in io has a lock but the runtime's own record.
//
// Goroutines that are no strand's share a strand of the runtime's, which has no others: what
// they call is posted there (io/call.h).
#ifndef LG_IO_IOLOOP_H
#define LG_IO_IOLOOP_H

#include <uv.h>

#include "base/base.h"
#include "base/list.h"
#include "lagoon.h"
#include "os/lock.h"
#include "sched/poller.h"

struct io_loop {
    uv_loop_t uv;
    struct lg_runtime *rt;
    struct lg_strand *strand;
    struct list watches;       // descriptors that it watches (io/watch.h)
    struct list lookups;       // names that it looks up (io/lookup.h)
    struct list works;         // of its goroutines, under way (io/iowork.h)
    struct list fetches;       // of its strand (io/fetch.h)
    struct list multis;        // what works on them (io/multi.h)
    uint32_t nawaited;         // goroutines that wait in it
    uint32_t nclosing;         // handles on their way out
    char *scratch;             // where datagrams arrive (io/udp.c); NULL: none has
    bool is_dirty;             // something was begun or ended since the last turn
    struct io_loop *next_left; // of those that were left behind
};

// A runtime's I/O.
struct io {
    struct lock lock;
    // -- lock --
    struct lg_strand *strand; // of goroutines that have none; NULL: none has asked yet
};

// Fills the scheduler's door, and ends all loops of a runtime where nothing runs.
int lg__io_open(struct lg_runtime *rt);
void lg__io_close(struct lg_runtime *rt);

// The strand on which a goroutine's calls are done: its own, or the runtime's.
int lg__io_strand(struct lg_g *g, struct lg_strand **out);

// The loop of a strand, made when it is first asked for. Inside it.
int lg__ioloop_of(struct lg_strand *s, struct io_loop **out);

// A thread of libuv's is asked for something; its loop has heard the end of that.
void lg__pool_ask(void);
void lg__pool_end(void);

#endif // LG_IO_IOLOOP_H
