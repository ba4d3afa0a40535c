// SPDX-License-Identifier: MIT
//
// What a deterministic runtime keeps of its order (sched/order.h).
#ifndef LG_SCHED_ORDERED_H
#define LG_SCHED_ORDERED_H

#include "base/base.h"
#include "sched/runq.h"
#include "sched/timer.h"

struct order {
    // -- who has the P --
    uint64_t ndecisions;
    uint64_t sum;
    int64_t waited_ns;      // for the outside, since the clock moved last
    struct runnable *front; // it let those beside pass
    // -- any thread --
    _Atomic int64_t now_ns; // the clock; moved by who has the P, or goes idle with it
    _Atomic uint64_t nbeside_ids;
    _Atomic size_t nbeside; // copy of beside.count: seq_cst, as nglobal
    struct timers timers;   // of those beside
    // -- the runtime's lock --
    struct runnable_list beside;
};

#endif // LG_SCHED_ORDERED_H
