// SPDX-License-Identifier: MIT
//
// What the cycles that are over took: figures, and the line of gctrace.
#ifndef LG_GC_GCLOG_H
#define LG_GC_GCLOG_H

#include "base/base.h"
#include "lagoon.h"

struct gc;
struct gc_cycle;

// Guarded by the collector's lock.
struct gc_log {
    uint64_t cycles;
    uint64_t forced;
    int64_t pause_total_ns;
    int64_t pause_last_ns;
    int64_t pause_max_ns;
    uint64_t pauses[LG_GC_PAUSE_BUCKETS];
    int64_t mark_cpu_ns; // all markers but idle ones
    int64_t assist_cpu_ns;
    int64_t idle_cpu_ns;
    int64_t stack_bytes; // of the last cycle
    int64_t root_bytes;
    int64_t open_ns; // when the runtime was opened
};

// Notes a cycle whose marking is over, and tells of it if that is wanted. Calls the
// host, with the world running.
void lg__gclog_add(struct gc *gc, const struct gc_cycle *c);

#endif // LG_GC_GCLOG_H
