// SPDX-License-Identifier: MIT
//
// The events of a timeline's file, one function for each kind. Times are ticks.
#ifndef LG_RT_LANESHOW_H
#define LG_RT_LANESHOW_H

#include "rt/lanes.h"

// Names of processes, which come first; of a P's track, of a goroutine's lane.
void lg__show_processes(struct lanes *l);
void lg__show_p(struct lanes *l, int p);
void lg__show_lane(struct lanes *l, const struct lane_g *g);

// What a P has run; g may be NULL, it is unknown then.
void lg__show_run(struct lanes *l, int p, uint64_t id, const struct lane_g *g,
                  uint64_t since, uint64_t until);

// The state in which a goroutine was until then.
void lg__show_state(struct lanes *l, const struct lane_g *g, uint64_t until);

// From who has sent to who has received, at that moment.
void lg__show_flow(struct lanes *l, const struct lane_flow *from, uint32_t to_lane,
                   uint64_t when);

struct lane_arg {
    const char *key; // NULL: none
    uint64_t value;
};

// Something at one moment.
void lg__show_instant(struct lanes *l, const char *name, const char *category, int p,
                      uint64_t when, struct lane_arg first, struct lane_arg second);

// A stretch of the collector's or the trace's own.
void lg__show_stretch(struct lanes *l, const char *name, const char *category,
                      uint32_t pid, uint32_t tid, uint64_t since, uint64_t until,
                      struct lane_arg arg);

// A figure.
void lg__show_figure(struct lanes *l, const char *name, const char *key, uint64_t value,
                     uint64_t when);

// Ticks as nanoseconds since the start.
uint64_t lg__lanes_ns(const struct lanes *l, uint64_t when);

#endif // LG_RT_LANESHOW_H
