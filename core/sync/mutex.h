// SPDX-License-Identifier: MIT
//
// What a condition needs of a mutex: locking it in the second half of a wait.
#ifndef LG_SYNC_MUTEX_H
#define LG_SYNC_MUTEX_H

#include "sched/g.h"

// For a finish function of g: locks g->op.relock, whatever comes in between. Returns
// g->op.relock_result, LG_WAIT if it has to wait for that, or LG_ECANCELED if g is
// dropped.
int lg__mutex_relock(struct lg_g *g);

#endif // LG_SYNC_MUTEX_H
