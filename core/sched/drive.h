// SPDX-License-Identifier: MIT
//
// Driving: a thread of the host lent to the runtime as an M.
#ifndef LG_SCHED_DRIVE_H
#define LG_SCHED_DRIVE_H

#include "sched/runtime.h"

// The goroutine that lg_drive() waits for has ended.
void lg__drive_done(struct lg_runtime *rt);

struct update;

// Makes the calling thread, which is the host's, the driver: until a goroutine has ended
// (0: none), or for an update.
struct m *lg__driver_enter(struct lg_runtime *rt, uint64_t until_id,
                           struct update *update);

// Ends that. LG_OK; or why it was called away from where all goroutines wait.
int lg__driver_leave(struct lg_runtime *rt);

// Stops and joins all Ms of our own, and sysmon. LG_OK; or LG_ETIMEDOUT, one of
// them goes on, and none is joined.
int lg__ms_stop(struct lg_runtime *rt, int64_t deadline_ns);

// An M of our own touches nothing any more but its thread's own stack.
void lg__m_left_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock);

#endif // LG_SCHED_DRIVE_H
