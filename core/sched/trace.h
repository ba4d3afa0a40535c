// SPDX-License-Identifier: MIT
//
// Trace points: what the scheduler, channels, the collector and the poller do, as
// events (lg_trace_event), for whoever has asked (lg_trace_start()).
//
// Off, a point is one load of rt->interrupts, which is at hand there, and one branch. On,
// an event goes into the buffer of its P, with that one's lock, which nobody else takes
// before the trace ends; a full buffer goes to the host, one at a time. Threads without a
// P share the last buffer. The buffers stay until the runtime is closed: somebody may have
// seen the trace on and come to them late.
//
// A timeline (sched/timeline.h) hears of them first, and has buffers of its own.
//
// In a deterministic runtime (sched/order.h) the points are always on: what they say is
// mixed into a sum that stands for the course of the run.
#ifndef LG_SCHED_TRACE_H
#define LG_SCHED_TRACE_H

#include "base/base.h"
#include "lagoon.h"
#include "os/lock.h"
#include "sched/use.h"

struct lg_g;
struct lg_runtime;

enum { TRACE_BUFFER_CAP = LG_SIZED(256, 3) };

struct trace_buffer {
    struct lock lock;
    // -- lock --
    uint32_t count;
    lg_trace_event events[TRACE_BUFFER_CAP];
};

struct trace {
    struct lock lock;     // one batch at a time goes to the host
    _Atomic uint32_t use; // USE_*
    // -- who starts and stops; the others see is_on after it (acquire) --
    void (*write)(void *ud, const lg_trace_event *events, size_t nevents);
    void *ud;
    struct trace_buffer *buffers; // one per P that there was, and one more
    uint32_t nbuffers;
    _Atomic bool is_on;
    // -- any thread --
    _Atomic uint32_t nchans; // that have got a number
};

// The slow half of a point: g is whom it is about, or NULL.
void lg__trace_emit(struct lg_runtime *rt, lg_trace_kind kind, struct lg_g *g,
                    uint64_t arg, const char *what);

// The calling M's goroutine leaves its P: for a reason to wait; NULL: it makes room, of its
// own will or because its slice was over.
void lg__trace_leave(struct lg_g *g, const char *reason);

// The number of a channel, which it gets the first time.
uint32_t lg__trace_number(struct lg_runtime *rt, _Atomic uint32_t *number);

// What an operation on a channel has found.
struct trace_op {
    uint64_t partner; // a goroutine that waited for it; 0: none
    uint32_t len;     // afterwards
    bool is_closed;   // nothing was received
};

// The same for a channel, which gets its number the first time; by the calling goroutine.
void lg__trace_chan(struct lg_runtime *rt, lg_trace_kind kind, _Atomic uint32_t *number,
                    const struct trace_op *op);

// The same for the channel of a select's case: for a timeline only, others hear of the select.
void lg__trace_case(struct lg_runtime *rt, lg_trace_kind kind, _Atomic uint32_t *number,
                    const struct trace_op *op);

void lg__trace_fini(struct lg_runtime *rt);

#endif // LG_SCHED_TRACE_H
