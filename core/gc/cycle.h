// SPDX-License-Identifier: MIT
//
// One cycle of collection. A goroutine of the runtime, the coordinator, takes it from
// the first stop of the world to the last span swept:
//
//   sweep what the last cycle left
//   stop: flip the epoch, blacken holes, scan the stacks of who ran     start
//   mark: handles, roots and all other stacks; then what is grey, beside
//         the program, until nothing is left
//   stop: look into every P's buffer; nothing there: marking is over    start
//   sweep in the background; tell those who wait in lg_gc()
//
// Others mark as well: workers on Ps that have nothing else to do (worker.c), and
// who allocates (pace.c).
#ifndef LG_GC_CYCLE_H
#define LG_GC_CYCLE_H

#include "base/base.h"

struct gc;
struct lg_runtime;

// What the phases of one cycle took, and what they met: for trace and figures.
struct gc_cycle {
    uint64_t number;
    int64_t begin_ns;    // on the system's clock
    int64_t stop_ns[2];  // how long the world stood still
    int64_t mark_ns;     // between the two
    int64_t mark_cpu_ns; // by the coordinator
    int64_t assist_cpu_ns;
    int64_t idle_cpu_ns;
    int64_t heap_begin; // bytes: when it began, when marking ended, marked
    int64_t heap_end;
    int64_t heap_marked;
    int64_t goal;
    int64_t stack_bytes;
    int64_t root_bytes;
    bool is_forced;
};

// Takes one cycle from its beginning to its end. On the coordinator.
void lg__cycle_run(struct gc *gc, bool is_forced);

// Ends a rest of the coordinator: the clock that it sleeps on may stand.
void lg__gc_rest_end(struct lg_runtime *rt);

#endif // LG_GC_CYCLE_H
