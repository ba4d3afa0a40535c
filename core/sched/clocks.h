// SPDX-License-Identifier: MIT
//
// Clocks that can be paused, scaled and stepped. The runtime's stands over the
// system's, or over the one that the host drives; others stand over it, as a tree:
//
//     system --> runtime's --> world --> boss fight
//                          --> menu
//
// What a clock shows is a straight line over what its parent shows, since the last
// change: base_ns + (parent - from_ns) * pace. A paused one has the pace 0.
//
// Anyone reads a clock without a lock. `seq` is odd while a change is written, and 0
// before the first: then the clock shows what its parent shows. Changes hold
// clocks.lock.
//
// Timers of the runtime's clock stand in the Ps' heaps. Any other clock has a heap of
// its own and a carrier: a timer on its parent's clock, at the moment at which the
// first timer of its heap falls due. A change moves the carrier only.
#ifndef LG_SCHED_CLOCKS_H
#define LG_SCHED_CLOCKS_H

#include "base/base.h"
#include "base/list.h"
#include "lagoon.h"
#include "os/lock.h"
#include "sched/timer.h"

struct lg_clock {
    // -- fixed --
    struct lg_runtime *rt;
    struct lg_clock *parent; // NULL: the runtime's clock
    uint32_t depth;          // under the runtime's, which has 0
    _Atomic uint32_t nrefs;  // but the runtime's

    // -- clocks.lock to write, anyone reads; all zero at first --
    _Atomic uint32_t seq;
    _Atomic int64_t from_ns;
    _Atomic int64_t base_ns;
    _Atomic double pace;

    // -- clocks.lock --
    struct node node; // in clocks.all, behind its parent
    double scale;     // the pace when it runs
    bool is_paused;
    bool is_held;     // paused by a thread outside, which can resume it: no deadlock
    int64_t armed_ns; // the carrier's moment; LG_NEVER: it is in no heap
    struct timer carrier;

    _Atomic int64_t frame_ns; // what it showed when the frame began; frames.lock

    struct timers timers; // has a lock of its own
};

struct clocks {
    struct lock lock;
    // -- lock --
    struct list all; // but the runtime's own
};

// What sync/frame.c keeps: who waits for the next frame.
struct frames {
    struct lock lock;
    // -- lock; with it clock.frame_ns of all clocks --
    struct list queue;
    uint64_t number;    // of the frame that has begun last; 0: none has
    bool is_hosted;     // a host begins them
    bool is_paced;      // the pacer is in its heap
    struct timer pacer; // begins one where no host does
};

void lg__clocks_init(struct lg_runtime *rt);

// Frees clocks that have been left. Nothing runs any more.
void lg__clocks_fini(struct lg_runtime *rt);

// What a clock shows.
int64_t lg__clock_read(struct lg_clock *clock);

// How long the runtime's clock takes to a moment, in nanoseconds of the system's; LG_NEVER:
// for ever, since it stands.
int64_t lg__clock_left(struct lg_runtime *rt, int64_t when_ns);

// Whether the runtime's clock was ever changed: then it may stand, now or later.
bool lg__clock_was_changed(struct lg_runtime *rt);

// Puts a timer that is in no heap into the clock's; NULL: into that of the own P, which
// the caller has. LG_OK or LG_ENOMEM.
int lg__clock_add(struct lg_clock *clock, struct timer *timer);

// Gives back the clock of a goroutine that ends.
void lg__clock_leave(struct lg_g *g);

#endif // LG_SCHED_CLOCKS_H
