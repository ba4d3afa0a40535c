// SPDX-License-Identifier: MIT
//
// The quick half of trace points (sched/trace.h).
#ifndef LG_SCHED_TRACEPOINT_H
#define LG_SCHED_TRACEPOINT_H

#include "sched/runtime.h"
#include "sched/trace.h"

// Whether somebody hears of what goroutines do, from START to END.
LG_INLINE bool lg__trace_is_on(struct lg_runtime *rt)
{
    // relaxed: who sees it late misses the first events
    return LG_UNLIKELY(atomic_load_explicit(&rt->interrupts, memory_order_relaxed) &
                       (INTERRUPT_TRACE | INTERRUPT_PROFILE));
}

// And of the rest: a profile does not.
LG_INLINE bool lg__trace_is_whole(struct lg_runtime *rt)
{
    // relaxed: as above
    return LG_UNLIKELY(atomic_load_explicit(&rt->interrupts, memory_order_relaxed) &
                       INTERRUPT_TRACE);
}

LG_INLINE void lg__trace(struct lg_runtime *rt, lg_trace_kind kind, struct lg_g *g,
                         uint64_t arg, const char *what)
{
    if (kind <= LG_TRACE_END ? lg__trace_is_on(rt) : lg__trace_is_whole(rt)) {
        lg__trace_emit(rt, kind, g, arg, what);
    }
}

// What only a timeline hears of.
LG_INLINE void lg__trace_beside(struct lg_runtime *rt, enum timeline_kind kind,
                                struct lg_g *g, uint64_t arg, uint64_t more)
{
    if (lg__trace_is_whole(rt)) {
        lg__timeline_note(rt, kind, g, arg, more);
    }
}

#endif // LG_SCHED_TRACEPOINT_H
