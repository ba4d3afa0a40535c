// SPDX-License-Identifier: MIT
//
// A thread of the host that comes for one thing to be done inside, and runs no goroutine.
#ifndef LG_SCHED_ERRAND_H
#define LG_SCHED_ERRAND_H

#include "sched/runtime.h"

// Runs fn on the calling thread, on a P and a stack of the runtime's. A thread that is not
// inside any runtime. LG_OK; LG_ENOMEM; LG_EBUSY: another thread drives, or every P has work.
int lg__errand_run(struct lg_runtime *rt, void (*fn)(void *arg), void *arg);

#endif // LG_SCHED_ERRAND_H
