// SPDX-License-Identifier: MIT
//
// Waking an idle P: an M that spins is given to it, one at a time. idle.h tells
// how that goes together with falling asleep.
#ifndef LG_SCHED_WAKE_H
#define LG_SCHED_WAKE_H

#include "sched/runtime.h"

// Wakes an idle P if there is one and nobody is looking for work.
void lg__wake_if_idle(struct lg_runtime *rt);

// Whether an M looks for work; or a P has none, with an M that looks or without one.
// relaxed: guesses.
LG_INLINE bool lg__has_spinning(struct lg_runtime *rt)
{
    return atomic_load_explicit(&rt->nspinning, memory_order_relaxed) > 0;
}

LG_INLINE bool lg__has_idle(struct lg_runtime *rt)
{
    return atomic_load_explicit(&rt->nidle, memory_order_relaxed) > 0 ||
           lg__has_spinning(rt);
}

// An M has found work: no longer spinning; the last one to stop wakes another.
void lg__stop_spinning(struct m *m);

#endif // LG_SCHED_WAKE_H
