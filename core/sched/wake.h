// SPDX-License-Identifier: MIT
//
// Waking an idle P: an M that spins is given to it, one at a time. idle.h tells
// how that goes together with falling asleep.
#ifndef LG_SCHED_WAKE_H
#define LG_SCHED_WAKE_H

#include "sched/runtime.h"

// Wakes an idle P if there is one and nobody is looking for work.
void lg__wake_if_idle(struct lg_runtime *rt);

// An M has found work: no longer spinning; the last one to stop wakes another.
void lg__stop_spinning(struct m *m);

#endif // LG_SCHED_WAKE_H
