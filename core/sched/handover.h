// SPDX-License-Identifier: MIT
//
// Handing over: a goroutine that does not leave loses its place among the Ps that run.
//
// Not the P's record goes to another M, since its own may be in the midst of anything
// and nobody can know, but the right to run: another P becomes active in its place
// (lg__p_replace), and takes the work by stealing. The M that does not leave keeps its
// P, in excess, until it comes to a scheduling decision; then it gives it up like any
// other in excess, and the goroutine waits for its turn. docs/decisions/handover.md.
#ifndef LG_SCHED_HANDOVER_H
#define LG_SCHED_HANDOVER_H

#include "sched/runtime.h"

// Hands the right of an owned P over. False: it has none any more, or nobody can take it.
bool lg__hand_over(struct lg_runtime *rt, struct p *p);

// The M is between two goroutines: gives its P to one that waits for it behind a
// blocking call. The M may have none afterwards.
void lg__hand_to_waiter(struct m *m);

#endif // LG_SCHED_HANDOVER_H
