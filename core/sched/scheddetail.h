// SPDX-License-Identifier: MIT
//
// scheddetail: behind a line of schedtrace one for each P, M and goroutine, in Go's form.
// Each tells of a moment of its own.
#ifndef LG_SCHED_SCHEDDETAIL_H
#define LG_SCHED_SCHEDDETAIL_H

#include "sched/runtime.h"

// Tells on_log. sysmon.
void lg__scheddetail(struct lg_runtime *rt);

#endif // LG_SCHED_SCHEDDETAIL_H
