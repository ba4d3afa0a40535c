// SPDX-License-Identifier: MIT
//
// Joining: a goroutine waits until all who work in its frame have left.
//
// A join stands in the frame of its owner, which returns as soon as everybody has left:
// whoever leaves must not look at it any more once it may have been the last. So the
// owner counts as well, and comes off the count after it has armed its wait:
//
//   owner                                 the others
//   -----                                 ----------
//   arms a wait, writes its number here
//   left: n -> n - 1                      left: n -> n - 1, n > 1: gone
//   n was 1: nobody ends the wait, it     n is 1: the owner waits and stays until
//   is withdrawn                          it is fired; reads whom and which wait,
//   else parks                            left: 1 -> 0, ends it
//
// Nobody else may end that wait: it has no deadline, stands in no queue and heeds no
// cancellation, which stays pending. Modelled in spec/models/join.pml.
#ifndef LG_SYNC_JOIN_H
#define LG_SYNC_JOIN_H

#include "sched/g.h"

struct join {
    struct lg_g *owner;
    uint64_t wait;         // of the owner; written before it comes off the count
    _Atomic uint32_t left; // who may still look at the frame, the owner included
};

// The calling goroutine's own.
void lg__join_init(struct join *join, struct lg_g *owner);

// One more; by one of those who count.
void lg__join_enter(struct join *join);

// One less: the last that the caller does with the frame.
void lg__join_leave(struct join *join);

// The owner waits until it is alone. A scripted one keeps its C stack.
void lg__join_await(struct join *join, const char *reason);

#endif // LG_SYNC_JOIN_H
