// SPDX-License-Identifier: MIT
//
// Something that is started and stopped by any thread, and is there once: a trace, a timeline,
// a profile. Whoever has taken it starts or stops; others who come meanwhile are refused.
#ifndef LG_SCHED_USE_H
#define LG_SCHED_USE_H

#include "base/base.h"

enum use { USE_OFF, USE_TAKEN, USE_ON };

// False: it is not `from`.
LG_INLINE bool lg__use_move(_Atomic uint32_t *use, enum use from, enum use to)
{
    uint32_t before = from;
    // seq_cst: who takes it finds what the last one has left; and of two that take one each
    // and then look at the other's, one sees that at least
    return atomic_compare_exchange_strong_explicit(use, &before, to, memory_order_seq_cst,
                                                   memory_order_relaxed);
}

LG_INLINE enum use lg__use_of(_Atomic uint32_t *use)
{
    // seq_cst: as above
    return (enum use)atomic_load_explicit(use, memory_order_seq_cst);
}

#endif // LG_SCHED_USE_H
