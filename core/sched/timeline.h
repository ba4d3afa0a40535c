// SPDX-License-Identifier: MIT
//
// What trace points tell of for a timeline (rt/scribe.h): events in a ring for each P, which
// its M fills without a lock and one thread of the runtime's empties now and then. Those
// without a P share a ring, and a lock.
//
// Who fills never waits. When one ring is full, the *window* closes: INTERRUPT_TRACE goes off
// for all, so that points cost what they cost without a trace, until the one who empties
// has written everything down and opens the next. So what is written are stretches, each of
// them complete, and what this costs has a bound.
//
//   window     who moves it on             what it may do
//   OPEN       a P that finds its ring     anybody fills
//              full, by CAS
//   CLOSING    the same                    notes closed_at, turns the interrupt off
//   CLOSED     who empties                 opens: the next number, the interrupt on
//
// Only the one that has won the CAS turns the interrupt off, and before the next window can
// open. Who fills says so before it looks at the window (is_filling), and until its event is
// in the ring. Who empties waits for that: then all is there that was stamped before. So a stretch
// is complete, from the opening of its window to the first event that found no room
// (spec/models/timeline.pml). A thread that has no processor for very long in the midst of it is
// not waited for: then an event is missing, or comes late.
//
// What is told has the time of lg__ticks(), nothing else: a deterministic runtime's order
// knows nothing of this.
#ifndef LG_SCHED_TIMELINE_H
#define LG_SCHED_TIMELINE_H

#include "base/base.h"
#include "lagoon.h"
#include "os/lock.h"
#include "os/ticks.h"
#include "sched/use.h"

struct lg_g;
struct lg_runtime;
struct m;
struct p;

// What a timeline needs beside what an lg_trace_event tells.
enum timeline_kind {
    TIMELINE_LABEL =
        32,        // g's name and place, in the events that follow; arg: their lengths
    TIMELINE_LOST, // g is in a blocking call, and has lost its P; arg: its number
    TIMELINE_REGAINED,   // it goes on, with a P again
    TIMELINE_GC_PREPARE, // the collector sweeps what is left
    TIMELINE_STOPPED,    // the world was; arg: ns until now; more: enum timeline_stop
};

enum timeline_stop { STOP_TO_BEGIN, STOP_TO_FINISH };

// `arg` and `more` by kind, where it is not said above:
//   START            who did it
//   PARK             the number of the wait; the reason, static words
//   READY            who did it; the number of the wait
//   SEND, RECV       TIMELINE_* of a channel; who waited for that, 0: nobody
//   others           as in lg_trace_event
struct timeline_event {
    uint64_t when; // ticks since the start, and in the last byte the kind
    uint64_t g;
    uint64_t arg;
    uint64_t more;
};

enum { TIMELINE_KIND_BITS = 8 };

// How many events a label's text takes, behind it.
LG_INLINE uint64_t lg__timeline_ntext(const struct timeline_event *event)
{
    if ((event->when & ((1U << TIMELINE_KIND_BITS) - 1)) != TIMELINE_LABEL) {
        return 0;
    }
    uint64_t length = (event->arg >> 32) + (event->arg & UINT32_MAX);
    return (length + sizeof *event - 1) / sizeof *event;
}

// What an operation on a channel tells: its number, the length afterwards, and that there
// was nothing to receive, or to send to.
enum { TIMELINE_LEN_SHIFT = 32 };
#define TIMELINE_LEN_MAX UINT64_C(0x7fffffff)
#define TIMELINE_CHAN_CLOSED (UINT64_C(1) << 63)

enum { TIMELINE_RING_CAP = LG_SIZED(8192, 1024) };

struct timeline_ring {
    // -- by who fills --
    _Atomic uint64_t head;
    _Atomic bool is_filling;  // from before the window is looked at
    _Atomic uint64_t lost_at; // when something found no room
    char tail_line[LG_CACHELINE];
    _Atomic uint64_t tail; // by who empties
    char events_line[LG_CACHELINE];
    struct timeline_event events[TIMELINE_RING_CAP]; // [tail, head) are told
};

enum { WINDOW_CLOSED, WINDOW_OPEN, WINDOW_CLOSING, WINDOW_STATE = 3, WINDOW_NEXT = 4 };

struct scribe;

struct timeline {
    // -- fixed from the first timeline on --
    enum tick_source source;
    uint64_t start; // ticks; 0: there was none
    // -- any thread --
    _Atomic uint32_t window;    // a number, times WINDOW_NEXT, and WINDOW_*
    _Atomic uint64_t told_mark; // what g->told is mixed with: changed, all are told anew
    // -- by who closes the window; published by it --
    uint64_t closed_at;
    // -- shared_lock to fill; made by who starts, there until the runtime closes --
    struct lock shared_lock;
    struct timeline_ring *shared;
    // -- who starts and stops --
    _Atomic uint32_t use; // USE_*
    struct scribe *scribe;
};

// Notes an event, by the calling thread, if a window is open.
void lg__timeline_note(struct lg_runtime *rt, unsigned kind, struct lg_g *g, uint64_t arg,
                       uint64_t more);

// Gives the calling goroutine's name and place once more, now or when it can be told: it has
// another name.
void lg__timeline_rename(struct lg_g *g);

// ---------------------------------------------------------------------------
// Who empties
// ---------------------------------------------------------------------------

// Gives each P a ring that has none; the shared one, too. LG_OK or LG_ENOMEM: some have none.
int lg__timeline_make_rings(struct lg_runtime *rt);
void lg__timeline_free_rings(struct lg_runtime *rt);

// The same for a P that is being made, if there is a timeline: what runs on it from the first
// moment on is shown there, not as of no P.
void lg__timeline_equip(struct lg_runtime *rt, struct p *p);

// Opens a window: all rings are empty, or hold what is to be dropped.
void lg__timeline_open(struct lg_runtime *rt);

// Closes it. False: it was closed, or somebody else has done it.
bool lg__timeline_close(struct lg_runtime *rt);

// Waits for those who are in the midst of telling something. Of what was stamped before, nothing
// is missing then. False: it takes too long.
bool lg__timeline_settle(struct lg_runtime *rt);

// When in a window that was opened at `opened` the first event found no room: *out is that, if
// it is earlier.
void lg__timeline_find_lost(struct lg_runtime *rt, uint64_t opened, uint64_t *out);

// Ticks since the first start.
LG_INLINE uint64_t lg__timeline_now(const struct timeline *t)
{
    return lg__ticks(t->source) - t->start;
}

#endif // LG_SCHED_TIMELINE_H
