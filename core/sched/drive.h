// SPDX-License-Identifier: MIT
//
// Driving: a thread of the host lent to the runtime as an M.
#ifndef LG_SCHED_DRIVE_H
#define LG_SCHED_DRIVE_H

#include "sched/runtime.h"

// The goroutine that lg_drive() waits for has ended.
void lg__drive_done(struct lg_runtime *rt);

// Stops and joins all Ms of our own, and sysmon.
void lg__ms_stop(struct lg_runtime *rt);

#endif // LG_SCHED_DRIVE_H
