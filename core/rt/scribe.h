// SPDX-License-Identifier: MIT
//
// Who writes a timeline down: a thread of its own, of low priority. Now and then it
// empties the rings of all Ps (sched/timeline.h), in the order of time, makes events for the
// file of them (rt/lanes.h), and opens the next window if the last one was closed.
//
// What it may cost is bounded: it rests many times as long as it has worked.
#ifndef LG_RT_SCRIBE_H
#define LG_RT_SCRIBE_H

#include "os/note.h"
#include "os/thread.h"
#include "rt/lanes.h"

// What a ring holds for this turn.
struct source {
    struct timeline_ring *ring;
    uint64_t at;
    uint64_t end;
    int p; // -1: of those without a P
};

struct merge {
    struct source sources[PS_MAX + 1];
    uint32_t n;
    uint32_t nbusy; // of all rings, those that held much
};

struct scribe {
    // -- fixed --
    struct lg_runtime *rt;
    struct thread thread;
    uint64_t start;   // ticks, and
    int64_t start_ns; // lg__clock_now() when it began
    // -- who ends it --
    _Atomic bool must_end;
    struct note note;
    // -- the thread; when it has ended, who ends it --
    bool is_last;              // turn: it was told until this moment, that is no gap
    bool is_full;              // the file is: no further window
    bool has_lost_label;       // turn: who goroutines are must be told anew
    int64_t rest_ns;           // before the next turn
    int64_t figures_ns;        // when figures were written last
    uint64_t nevents;          // taken in this turn
    _Atomic uint32_t nput_off; // turns since the last, for a thread that is late
    struct merge merge;
    struct json_pages json;
    struct lanes lanes;
};

#endif // LG_RT_SCRIBE_H
