// SPDX-License-Identifier: MIT
//
// The scan: each goroutine's C stack is visited once per cycle, conservatively,
// by whoever comes first: a marker, or the M that is about to run it. So what a
// goroutine had on its stack when the cycle began has been visited before it
// runs on, and the world need not be stopped for it.
//
// lg__scan_begin() visits what runs (of each M that is stopped, the registers and
// the stack) and says INTERRUPT_SCAN. From then on every goroutine that ran is
// scanned; the others do not run, or are claimed first. A claim is one atomic in
// the record:
//
//   anything else --> cycle | SCAN_BUSY --> cycle
//
// The markers walk the chunks of the pool, each taken by one. What they do not find
// there has started in this cycle: a goroutine that runs has been scanned, and has
// since got references only from what the cycle reaches or has reached, so what it
// hands to one that it starts is found anyway. (A thread outside keeps a handle.)
// When that one first runs in the cycle it is visited all the same. When all chunks
// are done the interrupt goes, and switches are fast again.
#ifndef LG_SCHED_SCAN_H
#define LG_SCHED_SCAN_H

#include "sched/runtime.h"

enum { SCAN_BUSY = 1U };

// Begins a cycle, with the world stopped: visits what runs at once.
void lg__scan_begin(struct lg_runtime *rt, scan_range *visit, void *ud);

// Scans some of what waits or is runnable, while others run. Inside the runtime.
// False: there is nothing left to take; others may still be at it.
bool lg__scan_some(struct lg_runtime *rt);

// Whether every stack of the cycle has been scanned.
bool lg__scan_is_done(struct lg_runtime *rt);

// Ends the cycle, with the world stopped; it is done.
void lg__scan_end(struct lg_runtime *rt);

// Bytes of stacks that the last cycle, or this one so far, has visited.
size_t lg__scan_bytes(struct lg_runtime *rt);

void lg__scan_before_run_slow(struct lg_runtime *rt, struct lg_g *g);
void lg__scan_forget_slow(struct lg_runtime *rt, struct lg_g *g);

LG_INLINE bool lg__scan_is_on(struct lg_runtime *rt)
{
    return LG_UNLIKELY(lg__interrupts(rt) & INTERRUPT_SCAN);
}

// The loop is about to run it.
LG_INLINE void lg__scan_before_run(struct lg_runtime *rt, struct lg_g *g)
{
    if (lg__scan_is_on(rt)) {
        lg__scan_before_run_slow(rt, g);
    }
}

// A goroutine will never run again, and loses its stack.
LG_INLINE void lg__scan_forget(struct lg_runtime *rt, struct lg_g *g)
{
    if (lg__scan_is_on(rt)) {
        lg__scan_forget_slow(rt, g);
    }
}

#endif // LG_SCHED_SCAN_H
