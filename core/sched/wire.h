// SPDX-License-Identifier: MIT
//
// Wired goroutines: one runs on one thread only, and that thread runs nothing else. For
// libraries that keep state by thread. After Go's LockOSThread (runtime/proc.go,
// lockOSThread, startlockedm).
//
// A scripted goroutine wires its strand, as long as one of the strand wants it. The
// record that stands in run queues says where it belongs (`home`): any M may pop it, and
// passes it on with its own P to the M that waits for it, as one that goes idle would
// give the P up. The wired M, when what it is wired to waits, gives its P up and sleeps
// until somebody passes that on.
//
// While any goroutine is wired nobody switches past the loop (INTERRUPT_WIRED).
#ifndef LG_SCHED_WIRE_H
#define LG_SCHED_WIRE_H

#include "sched/runtime.h"

// Passes r on if it belongs to another M. True: passed, perhaps with the P.
bool lg__wire_pass(struct m *m, struct runnable *r);

// The wired M has nothing to run: waits until what it is wired to is passed on, which is
// returned. NULL: the M must look up, or is not wired.
struct runnable *lg__wire_await(struct m *m);

// Whatever is wired may run anywhere again: its strand is closed. What had been passed on
// to an M that has not come to it stands in the global queue.
void lg__wire_undo(struct lg_runtime *rt, struct runnable *r);

// The same, of an M that leaves its loop for good.
void lg__wire_leave_locked(struct lg_runtime *rt, struct m *m) LG_REQUIRES(rt->lock);

// A goroutine ends: what it has wired is free.
void lg__wire_end(struct lg_g *g);

LG_INLINE bool lg__wire_is_on(struct lg_runtime *rt)
{
    return LG_UNLIKELY(lg__interrupts(rt) & INTERRUPT_WIRED);
}

#endif // LG_SCHED_WIRE_H
