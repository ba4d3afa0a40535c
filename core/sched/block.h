// SPDX-License-Identifier: MIT
//
// Blocking calls: what an M does between lg_block_enter() and leave may take any time,
// and others may have its P meanwhile. After Go's entersyscall (runtime/proc.go).
//
// The P's word `hold` says whose it is:
//
//   M                            sysmon, or the M itself          the stopper
//   -                            -----------------------          -----------
//   enter: 0 -> M | BLOCKED
//                                M | BLOCKED -> 0: takes it,
//                                and the M out of the world
//                                                                 M | BLOCKED ->
//                                                                 M | STOPPED: the M
//                                                                 is out of the world
//                                M | STOPPED -> 0: takes it
//   leave: M | BLOCKED -> 0: goes on, nothing has happened
//          M | STOPPED -> 0: has its P, waits to get into the world
//          else: waits until who took the P is done with the M, and for a P
//
// Each arrow is one CAS, and M is part of the word, so that it is about this call and
// not about one of the P's next owner. Who takes a P says so to its M (is_taken) when it
// is done with both. Modelled in spec/models/handover.pml.
#ifndef LG_SCHED_BLOCK_H
#define LG_SCHED_BLOCK_H

#include "sched/m.h"
#include "sched/runtime.h"

enum { HOLD_BLOCKED = 1, HOLD_STOPPED = 2, HOLD_STATE = 3 };

// Whether the P's M is in a blocking call.
LG_INLINE bool lg__block_has(struct p *p)
{
    // relaxed: a guess; the CAS tells
    return atomic_load_explicit(&p->hold, memory_order_relaxed) != 0;
}

// Takes a P from its M in a blocking call and gives it to whoever needs one. False:
// there is nothing to be taken. Any thread that owns no P.
bool lg__block_retake(struct lg_runtime *rt, struct p *p);

// lg_block_enter(), of a caller with these registers and this stack pointer.
void lg__block_enter(const struct registers *registers, const void *sp);

// Takes an idle P, or waits in line for one. An M that is outside the world.
struct p *lg__block_await_p(struct lg_runtime *rt, struct m *m);

// Takes the Ms in blocking calls out of the world, which is being stopped.
void lg__block_stop_all_locked(struct lg_runtime *rt) LG_REQUIRES(rt->world.lock);

#endif // LG_SCHED_BLOCK_H
