// SPDX-License-Identifier: MIT
//
// From what has happened to what is shown: the events of a timeline, in the order of their
// time, become slices of Ps and goroutines, flows, counters (docs/observability.md). What is
// going on is kept here, in tables of a fixed size; a goroutine that finds no place in them
// is seen on the Ps only.
//
// Across a gap nothing is known: who ran, or was runnable, before it is unknown after it. Who
// waited may wait still: the number of the wait tells when it is over.
#ifndef LG_RT_LANES_H
#define LG_RT_LANES_H

#include "base/base.h"
#include "rt/jsonpages.h"
#include "sched/p.h"
#include "sched/timeline.h"

enum {
    LANES_MAX = 1000,      // goroutines with a lane of their own
    LANE_GS = 1 << 14,     // that are known at a time
    LANE_CHANS = 512,      // channels, by number; who comes later takes the place
    LANE_PENDING_MAX = 31, // elements in one of which is known who has sent them
    LABEL_JSON_SIZE = 200, // bytes of a name or place as JSON
};

enum lane_state { LANE_UNKNOWN, LANE_RUNNING, LANE_RUNNABLE, LANE_WAITING };

// Who has sent something, when and by which channel.
struct lane_flow {
    uint64_t when;
    uint32_t lane; // 0: nobody knows
    uint32_t chan;
};

struct lane_g {
    uint64_t id; // 0: the place is free
    uint64_t since;
    uint64_t by;           // runnable: because of whom; 0: nobody
    uint64_t wait;         // waiting: its number
    const char *why;       // and for what
    uint64_t gap;          // waiting: where the first gap since then begins; 0: none
    struct lane_flow flow; // that ends when it runs
    uint32_t next;         // in its bucket, or the list of free ones: place plus 1
    uint32_t lane;         // 0: none
    int32_t p;             // running: where
    uint32_t state;
    char name[LABEL_JSON_SIZE]; // as JSON, or ""
    char place[LABEL_JSON_SIZE];
};

struct lane_p {
    uint64_t g; // that runs; 0: none
    uint64_t since;
    bool is_named; // the track is
};

struct lane_chan {
    uint32_t number;
    uint32_t npending;
    struct lane_flow pending[LANE_PENDING_MAX]; // oldest first
};

struct lane_gc {
    uint64_t since;
    const char *phase; // NULL: none
    uint64_t cycle;
};

struct lanes {
    struct json_pages *out;
    // -- fixed; by the scribe --
    uint64_t zero; // ticks, when the file's time begins
    double ns_per_tick;
    // -- the rest --
    uint64_t last_flow;
    uint64_t gap;     // since when nothing is known; 0: something is
    uint64_t gap_end; // of the last one: what comes late and is older is of no use
    uint32_t nlanes;
    uint32_t nfresh; // places that were ever used
    uint32_t free;   // the first of those that are not any more; plus 1
    uint32_t nrunnable;
    uint32_t shown_runnable;
    uint64_t shown_at; // ticks
    struct lane_gc gc;
    struct lane_p ps[PS_MAX];
    struct lane_p no_p;
    struct lane_chan chans[LANE_CHANS];
    uint32_t owners[LANES_MAX + 1]; // of lanes: place plus 1; 0: it has ended
    uint32_t buckets[LANE_GS];
    struct lane_g gs[LANE_GS];
};

enum lane_pid { PID_PS = 1, PID_GS, PID_COLLECTOR, PID_TRACE };
enum lane_tid { TID_PHASES = 1, TID_STOPPED, TID_GAPS = 1 };

// Zeroed memory becomes one that has seen nothing.
void lg__lanes_init(struct lanes *l, struct json_pages *out);

// A goroutine that is there when it begins, and waits.
void lg__lanes_meet(struct lanes *l, const lg_g_info *info);

// One event, and if it is a label the text that follows it. p is -1 without a P. True: all
// goroutines must be told anew, labels had to be forgotten.
bool lg__lanes_take(struct lanes *l, int p, const struct timeline_event *event,
                    const char *text);

// Between these nothing is told.
void lg__lanes_begin_gap(struct lanes *l, uint64_t when);
void lg__lanes_end_gap(struct lanes *l, uint64_t when);

// What is going on, as if it ended now.
void lg__lanes_show_open(struct lanes *l, uint64_t now);

#endif // LG_RT_LANES_H
