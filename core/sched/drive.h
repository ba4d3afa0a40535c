// SPDX-License-Identifier: MIT
//
// Driving: a thread of the host lent to the runtime as an M.
#ifndef LG_SCHED_DRIVE_H
#define LG_SCHED_DRIVE_H

#include "sched/runtime.h"

// The goroutine that lg_drive() waits for has ended.
void lg__drive_done(struct lg_runtime *rt);

// Runs fn on the calling thread, on a P and a stack of the runtime's, but no goroutine. A
// thread that is not inside any runtime. LG_OK; LG_ENOMEM; LG_EBUSY: another thread drives,
// or every P has work.
int lg__drive_errand(struct lg_runtime *rt, void (*fn)(void *arg), void *arg);

// Stops and joins all Ms of our own, and sysmon. LG_OK; or LG_ETIMEDOUT, one of
// them goes on, and none is joined.
int lg__ms_stop(struct lg_runtime *rt, int64_t deadline_ns);

// An M of our own touches nothing any more but its thread's own stack.
void lg__m_left_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock);

#endif // LG_SCHED_DRIVE_H
