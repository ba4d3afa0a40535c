// SPDX-License-Identifier: MIT
//
// Threads that nobody needs any more end: after many blocking calls at a time there are
// more than Ps.
#ifndef LG_SCHED_REAP_H
#define LG_SCHED_REAP_H

#include "sched/runtime.h"

// Sends those away that have been idle for long, and joins those that have gone. Returns
// whether it is worth calling again. Any thread that holds no lock.
bool lg__ms_reap(struct lg_runtime *rt);

#endif // LG_SCHED_REAP_H
