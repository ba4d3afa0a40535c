// SPDX-License-Identifier: MIT
//
// One cycle of collection, from the first stop of the world to the last span swept:
//
//   sweep what the last cycle left                                      CYCLE_PREPARES
//   stop: flip the epoch, blacken holes, scan the stacks of who ran     start
//   mark: handles, roots and all other stacks; then what is grey,       CYCLE_MARKS
//         beside the program, until nothing is left
//   stop: look into every P's buffer; nothing there: marking is over    start
//   sweep in the background; tell those who wait in lg_gc()             CYCLE_SWEEPS
//
// It moves on by turns, none of which waits for a goroutine, so whoever runs on a P may
// take one: the coordinator (coordinator.c), or lg_gc_step() (step.c) on the stack of its
// caller. Who takes a turn has the cycle for that long, and nobody else.
//
// Others mark as well: workers on Ps that have nothing else to do (worker.c), and
// who allocates (pace.c).
#ifndef LG_GC_CYCLE_H
#define LG_GC_CYCLE_H

#include "base/base.h"

struct gc;

enum cycle_phase { CYCLE_OFF, CYCLE_PREPARES, CYCLE_MARKS, CYCLE_SWEEPS };

// How a turn went.
enum cycle_turn {
    TURN_OVER,   // no cycle is under way, none is wanted
    TURN_WORKED, // there is more to do
    TURN_MARKED, // the same, and that was marking
    TURN_IDLE,   // others have what is left
    TURN_TAKEN,  // somebody else has the turn
};

// What the phases of one cycle took, and what they met: for trace and figures.
struct gc_cycle {
    enum cycle_phase phase;
    uint64_t number;
    int64_t begin_ns;    // on the system's clock
    int64_t stop_ns[2];  // how long the world stood still
    int64_t mark_ns;     // between the two
    int64_t mark_cpu_ns; // by who had the turn, and dedicated workers
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

// Moves the cycle on, or begins one that was asked for; marks or sweeps for about that
// long. Needs a P; the world must run.
enum cycle_turn lg__cycle_turn(struct gc *gc, int64_t max_ns);

#endif // LG_GC_CYCLE_H
