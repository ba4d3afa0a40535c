// SPDX-License-Identifier: MIT
//
// What a condition needs of a mutex: locking it in the second half of a wait.
#ifndef LG_SYNC_MUTEX_H
#define LG_SYNC_MUTEX_H

#include "lagoon.h"
#include "sched/g.h"

// Locks it if it is open.
bool lg__mutex_try(lg_mutex *mutex);

// With a wait of g armed: locks it and abandons the wait (LG_OK), or queues
// g->op.waiter (LG_WAIT); a wake by WAKE_READY then means that g holds it.
int lg__mutex_join(lg_mutex *mutex, struct lg_g *g);

// Takes g->op.waiter out of the queue after any other wake.
void lg__mutex_unhook(struct lg_g *g);

#endif // LG_SYNC_MUTEX_H
