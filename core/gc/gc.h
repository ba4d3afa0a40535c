// SPDX-License-Identifier: MIT
//
// The collector's record: concurrent, tri-colour, non-moving, as Go's. What an
// object's colour is:
//
//   every 16 bytes of an arena have a mark byte (mem/heap.h); that of the
//   granule in which an object starts says
//     0              free: no object
//     epoch          black or grey: found alive in this cycle, or made in it.
//                    Grey are those of them that stand in a work buffer
//     other epoch    white: alive as far as the last cycle knew
//
// The epoch alternates between 1 and 2. When a cycle starts it flips, and all
// that was alive is white without having been touched. When marking is over what
// is white is garbage; sweeping turns those bytes to 0. A new object gets its
// byte with the hole that it lies in (gc/newobject.c).
//
//    off   ----- begin, world stopped ---->   marking
//     ^        flips the epoch, sets every P's is_marking,       |
//     |        scans the stacks of those who ran                 |
//     |                                                          |
//     +---- end, world stopped: no grey object is left anywhere -+
//
// Sweeping goes on while it is off (gc/sweep.c), and is over before the next cycle.
// Who may touch what: a gc_p belongs to the M that owns the P, or to who has
// stopped the world. Modelled in spec/models/barrier.pml.
#ifndef LG_GC_GC_H
#define LG_GC_GC_H

#include "base/base.h"
#include "base/list.h"
#include "gc/cycle.h"
#include "gc/family.h"
#include "gc/gclog.h"
#include "gc/gcp.h"
#include "gc/handle.h"
#include "gc/pace.h"
#include "gc/roots.h"
#include "gc/special.h"
#include "gc/stage.h"
#include "gc/type.h"
#include "gc/work.h"
#include "os/lock.h"
#include "sched/runtime.h"

#define HEAP_OBJECT_MAX ((size_t)1 << 40)

// Sums over all Ps, ever.
struct gc_totals {
    int64_t marked; // bytes
    int64_t assist_ns;
    int64_t idle_ns;
    int64_t dedicated_ns;
};

// What sysmon saw last.
struct gc_period {
    uint64_t cycle;
    int64_t since_ns; // it began, or more lives than it found
};

struct gc {
    struct lg_runtime *rt;
    struct heap *heap;
    // A door to sync, which stands above: visits what lies in channels.
    void (*visit_chans)(struct lg_runtime *rt, scan_range *visit, void *ud);

    // -- world stopped to write, anyone reads --
    _Atomic uint8_t epoch;
    _Atomic uint64_t cycle; // number of the cycle that began last

    // -- have locks of their own --
    struct gc_types types;
    struct gc_families families;
    struct gc_handles handles;
    struct gc_roots roots;
    struct gc_specials specials;
    struct gc_pool pool; // work buffers
    struct gc_pace pace;

    struct lock lock;
    // -- lock --
    struct gc_stages stages;
    bool is_requested;           // a cycle shall begin
    uint32_t nforced;            // of the requests, by lg_gc()
    bool is_cycling;             // one is under way, from its request to its end
    bool has_coordinator;        // its goroutine was started
    bool is_coordinator_waiting; // with `coordinator`
    lg_ticket coordinator;
    struct gc_worker *idle_workers; // that wait for something to mark
    struct gc_log log;              // of cycles that are over

    // -- handles.lock, which who starts and ends a cycle holds meanwhile --
    struct gc_p outside_p; // holes of threads without a P

    // -- outside_lock --
    struct lock outside_lock;
    struct gc_work outside; // greyed by threads without a P, and by stacks

    // -- sysmon --
    struct gc_period period;

    // -- who has the turn (gc/cycle.h) --
    struct gc_worker *workers; // all
    uint32_t nworkers;
    struct gc_totals before; // this cycle
    struct gc_cycle current;

    // -- any thread --
    _Atomic uint64_t asked;       // the cycle that a trigger has asked for
    _Atomic uint32_t nmarking;    // threads that have grey objects in their hands
    _Atomic bool has_overflown;   // a grey object found no buffer
    _Atomic bool has_idle_worker; // relaxed: a hint
    _Atomic int64_t idle_ns;      // relaxed: figures, CPU time of workers
    _Atomic int64_t dedicated_ns;
    _Atomic bool is_resting;     // relaxed: the coordinator has a timer, a figure
    _Atomic bool has_turn;       // somebody moves the cycle on (gc/cycle.h)
    _Atomic int64_t patience_ns; // relaxed: no cycle for want of memory before (scarce.c)
    _Atomic bool is_manual;      // relaxed: only lg_gc_step() does, no worker shall help
};

LG_INLINE struct gc *lg__gc(struct lg_runtime *rt)
{
    return rt->gc;
}

LG_INLINE bool lg__gc_is_marking(struct gc *gc)
{
    // acquire: pairs with the release in cycle.c; written with the world stopped
    return atomic_load_explicit(&gc->rt->is_marking, memory_order_acquire);
}

LG_INLINE uint8_t lg__gc_epoch(struct gc *gc)
{
    // relaxed: changes only while the world is stopped
    return atomic_load_explicit(&gc->epoch, memory_order_relaxed);
}

// All memory that the limit counts.
size_t lg__gc_total_bytes(struct gc *gc);

// Makes and frees the collector. lg__gc_open() returns LG_OK or LG_ENOMEM.
int lg__gc_open(struct lg_runtime *rt);
void lg__gc_close(struct lg_runtime *rt);

#endif // LG_GC_GC_H
