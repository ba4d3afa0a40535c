// SPDX-License-Identifier: MIT
//
// Which states blocking calls run in. Each has one alone, beside those of the tasks of
// parallel(): nothing else may wait for a state whose thread sits in a system call. Its
// goroutine stands aside whenever it runs (goroutine.h), so that its P goes to others.
//
// A worker has no call, or is aside: from when it is given one until that has ended. Then
// it takes the next call that waits, or is one of the others again: it is reused, and
// closed (retire.h) as they are. At most aside_max are aside; further calls wait in line,
// and rely on those workers to look for them. A call that a call makes does not wait in
// line, since the first one waits for it and keeps its place.
//
// So has a task that serves others for long (parallel_alone): a state to itself, for the
// cores that it wants to have. It does not stand aside, and does not count.
//
// The names end in _locked where the hub's lock is held.
#ifndef LAGOON_ASIDE_H
#define LAGOON_ASIDE_H

#include <stddef.h>

#include "hub.h"

// How many calls run at once: each costs a thread and a state. The core has so many
// records of Ps for those that stand aside.
enum { ASIDE_DEFAULT = 256, ASIDE_MAX = 3 * LG_PROCS_MAX };

// A P has come to a call.
void lagoon__aside_place(lg_job *job);

// A worker is done with its call: the next one for it; NULL: there is none, and it is not
// aside any more. *homeless: a call that is to be started anew, or untouched. Inside its
// strand.
struct task_core *lagoon__aside_next_locked(struct hub *hub, struct worker *worker,
                                            struct task_core **homeless);

// Changes aside_max.
void lagoon__aside_set_max(struct hub *hub, size_t max);

#endif // LAGOON_ASIDE_H
