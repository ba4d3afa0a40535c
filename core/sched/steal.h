// SPDX-License-Identifier: MIT
//
// Stealing: the older half of another P's ring, from a random P on.
#ifndef LG_SCHED_STEAL_H
#define LG_SCHED_STEAL_H

#include "sched/runtime.h"

// Takes work from any other P: one to run, the rest into the own ring. NULL:
// nothing was found.
struct runnable *lg__steal(struct m *m);

// The same from Ps in excess, whose owners do not come to it.
struct runnable *lg__steal_retired(struct m *m);

// What a spinning M has seen in the other Ps' runnext.
struct lingering {
    struct runnable *runnext[LG_PROCS_MAX];
    uint32_t tick[LG_PROCS_MAX];
};

// Takes what stands in another P's runnext as it did at the last look, while that P has
// not scheduled in between: its goroutine computes on. NULL: nothing lingers.
struct runnable *lg__steal_lingering(struct m *m, struct lingering *seen);

// Whether any P has work that a thief would take.
bool lg__has_stealable(struct lg_runtime *rt);

#endif // LG_SCHED_STEAL_H
