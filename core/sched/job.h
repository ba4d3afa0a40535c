// SPDX-License-Identifier: MIT
//
// Jobs: work that no goroutine and no strand has begun. A job stands in the
// ordinary run queues; the loop that comes to it calls it on its own stack, with
// no goroutine and inside no strand, so that it can decide where the work goes.
//
// A queued job may come to stand in the global queue, where every runnable has a
// place of its own (globq.h). Jobs come and go by the thousand, so Ps keep
// places at hand: who starts a job takes one, who calls one keeps its place.
#ifndef LG_SCHED_JOB_H
#define LG_SCHED_JOB_H

#include "sched/m.h"
#include "sched/runq.h"

// Calls a job that the loop has taken out of its queue. The first strand that
// becomes runnable by that is m->next.
void lg__job_run(struct m *m, struct runnable *r);

#endif // LG_SCHED_JOB_H
