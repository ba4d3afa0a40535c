// SPDX-License-Identifier: MIT
//
// schedtrace: a line now and then about what the scheduler does, in Go's form.
#ifndef LG_SCHED_SCHEDTRACE_H
#define LG_SCHED_SCHEDTRACE_H

#include "sched/runtime.h"

// Tells on_log, if it is time. sysmon.
void lg__schedtrace(struct lg_runtime *rt);

// How long until it is time again; LG_NEVER.
int64_t lg__schedtrace_left(struct lg_runtime *rt);

#endif // LG_SCHED_SCHEDTRACE_H
