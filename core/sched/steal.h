// SPDX-License-Identifier: MIT
//
// Stealing: the older half of another P's ring, from a random P on.
#ifndef LG_SCHED_STEAL_H
#define LG_SCHED_STEAL_H

#include "sched/runtime.h"

// Takes work from any other P: one to run, the rest into the own ring. NULL:
// nothing was found.
struct runnable *lg__steal(struct m *m);

// Whether any P has work that a thief would take.
bool lg__has_stealable(struct lg_runtime *rt);

#endif // LG_SCHED_STEAL_H
