// SPDX-License-Identifier: MIT
//
// Carriers: the timer of each clock that stands, in its parent's heap, for the first timer of
// its own.
#ifndef LG_SCHED_CARRIER_H
#define LG_SCHED_CARRIER_H

#include "sched/clocks.h"

// What the parent shows when the clock shows when_ns, or LG_NEVER.
int64_t lg__clock_parents_locked(struct lg_clock *clock, int64_t when_ns);

// Puts the carrier to where the first timer of the heap wants it; clocks.lock is held. LG_OK or
// LG_ENOMEM.
int lg__clock_arm_locked(struct lg_clock *clock);

// What the carrier does when it has come.
void lg__clock_on_due(void *arg, uint64_t cookie);

#endif // LG_SCHED_CARRIER_H
