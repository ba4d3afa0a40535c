// SPDX-License-Identifier: MIT
//
// P: the right to run goroutines, with what a running thread needs at hand
// and would otherwise share: a run queue, timers, caches.
//
// A P is owned by one M, or idle (in the runtime's list). As many as lg_procs() says
// are active; the others are in excess: of a larger number of before, or because
// their goroutine does not leave and its right to run has gone to another P
// (sched/handover.h). One that is in excess is given up at the next scheduling
// decision, with all that it holds but its timers: whoever looks for work runs those.
#ifndef LG_SCHED_P_H
#define LG_SCHED_P_H

#include "base/base.h"
#include "base/list.h"
#include "base/rand.h"
#include "lagoon.h"
#include "mem/mcache.h"
#include "mem/stack.h"
#include "sched/g.h"
#include "sched/runq.h"
#include "sched/timer.h"

enum {
    // Go's number: the global queue is looked at first every so many rounds,
    // or else two goroutines that ready each other could hide it for ever.
    P_GLOBAL_EVERY = LG_SIZED(61, 3),
    // How often in a row runnext may overtake the ring, for the same reason.
    P_RUNNEXT_STREAK_MAX = LG_SIZED(32, 2),
    // How many rounds may pass without a look at the clock while timers wait.
    P_TIMERS_EVERY = LG_SIZED(8, 1),
    // How often a goroutine that is alone yields without looking around: the timers
    // of Ps that are in excess are nobody's else, if there is but one P.
    P_SHORT_YIELDS_MAX = LG_SIZED(15, 2),
};

enum { PS_MAX = 4 * LG_PROCS_MAX }; // with those in excess

enum p_ask {
    ASK_PREEMPT = 1U << 0, // who runs has had its slice (sched/preempt.h)
    ASK_RETIRE = 1U << 1,  // the P is in excess
};

struct m;
struct timeline_ring;

struct p {
    // -- owner M only --
    uint32_t tick; // scheduling rounds
    uint32_t runnext_streak;
    uint32_t nshort_yields; // of a goroutine that is alone: go.c
    struct rand rand;
    struct g_cache gs;
    struct stack_cache stacks;
    struct wait_block *wait_blocks; // selects' waiters, for reuse (sync/select.c)
    uint32_t nwait_blocks;
    uint32_t njob_places; // in the global queue, reserved for jobs (job.c)
    void *gc;             // the collector's
    _Atomic(struct timeline_ring *) timeline; // made by who empties it; or NULL
    struct mcache mcache;

    char first_line[LG_CACHELINE];

    // -- any P: taken by CAS --
    // Runs before the ring: what the running goroutine readied last, likely
    // still warm. Thieves leave it alone unless `is_starving`, or it lingers.
    _Atomic(struct runnable *) runnext;
    _Atomic uint32_t shown_tick; // copy of tick, for sysmon and thieves: relaxed
    struct runq runq;

    // -- any thread --
    _Atomic uint32_t asks;  // enum p_ask: why the M must look up. relaxed
    _Atomic bool is_aside;  // its M has made room, and may take long. relaxed
    _Atomic bool is_heard;  // ASK_PREEMPT is, the goroutine will leave soon. relaxed
    _Atomic uintptr_t hold; // of its M, in a blocking call (sched/block.h)

    // -- set by the owner, read by anyone, relaxed: a guess --
    _Atomic(struct m *) m; // the owner; NULL: idle

    // -- set by sysmon, cleared by thieves, relaxed --
    _Atomic bool is_starving; // runnext has waited for a whole period

    // -- any thread, with the lock of timers --
    char other_line[LG_CACHELINE]; // the allocator aligns to 16 bytes only
    struct timers timers;

    // -- sched lock --
    struct node node; // in the list of idle Ps
    bool is_idle;
    _Atomic bool is_active; // else in excess; read by anyone, relaxed
    bool is_hosts;          // the host's own, never active (sched/host.h); fixed
    bool is_flushed;        // its blocks are given back: idle for long
    bool was_idle;          // when lg__ps_flush_idle() last looked

    // -- fixed --
    uint32_t number;

    // -- written by the owner, read by anyone, relaxed: figures --
    _Atomic uint64_t nstarted;
    _Atomic uint64_t nended;
    _Atomic uint64_t nsteals;
    _Atomic uint64_t ndonations;
};

LG_INLINE uint32_t lg__p_asks(struct p *p)
{
    // relaxed: heard a round later it does as well
    return atomic_load_explicit(&p->asks, memory_order_relaxed);
}

LG_INLINE void lg__p_seed(struct p *p, uint64_t seed)
{
    p->rand.state = seed + p->number * 0x9e3779b97f4a7c15ULL;
}

LG_INLINE bool lg__p_is_active(struct p *p)
{
    // relaxed: changed under the lock; else a guess
    return atomic_load_explicit(&p->is_active, memory_order_relaxed);
}

// Counts a figure of which we are the only writer.
LG_INLINE void lg__p_count(_Atomic uint64_t *figure)
{
    // relaxed: our own value. release: pairs with the acquire in
    // lg_num_goroutine(): who counts an end sees what the goroutine did
    uint64_t value = atomic_load_explicit(figure, memory_order_relaxed);
    atomic_store_explicit(figure, value + 1, memory_order_release);
}

#endif // LG_SCHED_P_H
