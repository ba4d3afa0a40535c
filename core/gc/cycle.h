// SPDX-License-Identifier: MIT
//
// Cycles of collection. One goroutine of the runtime, the coordinator, takes each
// from its first stop of the world to the last span swept:
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

// Asks for a cycle, unless one is under way or wanted. Any M of the runtime.
void lg__gc_request(struct gc *gc);

// Makes the calling native goroutine wait until the cycle that is due has begun, or
// the one that marks has marked all: it has allocated more than it should before.
void lg__gc_stall(struct gc *gc);

#endif // LG_GC_CYCLE_H
