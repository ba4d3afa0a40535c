// SPDX-License-Identifier: MIT
//
// Goroutines that mark beside the coordinator: one for each P that has nothing
// else to do, and helpers with a share of the CPUs.
#ifndef LG_GC_WORKER_H
#define LG_GC_WORKER_H

#include "base/base.h"
#include "lagoon.h"

struct gc;
struct p;

struct gc_worker {
    struct gc_worker *next_made;
    struct gc *gc;
    // -- gc.lock --
    struct gc_worker *next_idle;
    bool is_dedicated; // marks whoever else wants the P
    lg_ticket ticket;  // while it is idle
};

// Starts as many as there are Ps, as far as there is memory for them.
void lg__gc_workers_start(struct gc *gc);

// A cycle marks: readies as many as, with the coordinator, make a quarter of the Ps.
void lg__gc_workers_help(struct gc *gc);

// What sched/gc_door.h asks for: a worker, if there is something to mark.
struct lg_g *lg__gc_idle_worker(struct lg_runtime *rt, struct p *p);

void lg__gc_workers_fini(struct gc *gc);

// Marks for a while on the calling goroutine's M: roots and stacks that are left, or
// grey objects. Returns bytes done; 0: there was nothing, or the world is to be
// stopped.
size_t lg__gc_mark_slice(struct gc *gc, size_t budget_bytes);

#endif // LG_GC_WORKER_H
