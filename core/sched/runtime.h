// SPDX-License-Identifier: MIT
//
// The runtime's record: everything that a runtime shares between its threads.
// Nothing outside of it is global but the thread-local M.
#ifndef LG_SCHED_RUNTIME_H
#define LG_SCHED_RUNTIME_H

#include "base/base.h"
#include "base/list.h"
#include "base/panic.h"
#include "lagoon.h"
#include "mem/alloc.h"
#include "mem/mheap.h"
#include "mem/stack.h"
#include "os/lock.h"
#include "os/note.h"
#include "os/thread.h"
#include "sched/clocks.h"
#include "sched/framecost.h"
#include "sched/g.h"
#include "sched/gc_door.h"
#include "sched/globq.h"
#include "sched/input.h"
#include "sched/m.h"
#include "sched/netpoll.h"
#include "sched/ordered.h"
#include "sched/p.h"
#include "sched/pinned.h"
#include "sched/poller.h"
#include "sched/profile.h"
#include "sched/runq.h"
#include "sched/stop.h"
#include "sched/tidy.h"
#include "sched/timeline.h"
#include "sched/trace.h"
#include "sched/watch.h"

// Why an M must look up from its queue (runtime.interrupts).
enum {
    INTERRUPT_STOP = 1U << 0,          // lg_close()
    INTERRUPT_DRIVE = 1U << 1,         // the driver must leave
    INTERRUPT_P_WANTED = 1U << 2,      // some M waits for a P (sched/block.c)
    INTERRUPT_STOPPED_WORLD = 1U << 3, // wait (sched/world.c)
    // Nothing to look up for: the loop scans a goroutine before it runs it, and
    // nobody switches past the loop (sched/scan.c).
    INTERRUPT_SCAN = 1U << 4,
    INTERRUPT_WIRED = 1U << 5, // nor here: it passes on what is wired (sched/wire.c)
    // Nor here: trace points have somebody to tell (sched/trace.h), and nobody switches
    // past the loop.
    INTERRUPT_TRACE = 1U << 6,
    INTERRUPT_PROFILE = 1U << 7, // the same for a profile (sched/profile.h)
    INTERRUPTS_TO_HEED = ~(uint32_t)(INTERRUPT_SCAN | INTERRUPT_WIRED | INTERRUPT_TRACE |
                                     INTERRUPT_PROFILE),
};

struct lg_runtime {
    // -- fixed when open --
    struct alloc alloc;
    lg_options options;
    struct panic_hook panic_hook;
    sigset_t signal_mask; // of the thread that opened it
    struct gc_door gc_door;
    struct gc *gc; // the collector's
    struct poller_door poller_door;
    struct io *io; // the I/O's

    // -- have locks of their own --
    struct heap heap;
    struct stack_pool stacks;
    struct g_pool gs;
    struct sysmon sysmon;
    struct watchdog watchdog;
    struct tidy tidy;
    struct netpoll netpoll;
    struct inputs inputs;
    struct trace trace;
    struct profile profile;
    struct timeline timeline;
    struct frame_costs frame_costs; // by who drives
    struct clocks clocks;
    struct frames frames;

    struct lock chans_lock;
    // -- chans_lock --
    struct list chans;        // made and not freed (sync/chan.c)
    struct node chans_cursor; // in the list while the collector goes through it

    // -- any thread --
    _Atomic uint32_t interrupts; // INTERRUPT_*; looked at every round
    // The collector marks; written by it with the world stopped (gc/cycle.c).
    _Atomic bool is_marking;
    _Atomic uint32_t procs;  // lg_procs(): with the host's, if its thread is apart
    _Atomic uint32_t nprocs; // Ps that may run: so many are active
    _Atomic uint32_t nps;    // Ps that exist; ps[0..nps) never move
    _Atomic(struct p *) ps[PS_MAX];
    _Atomic int64_t now_ns;    // the clock when it was last read: for dumps
    _Atomic uint64_t drive_id; // the goroutine that lg_drive() waits for
    _Atomic int64_t nholds;    // lg_hold()
    _Atomic uint64_t nstarted; // goroutines, by threads without a P
    _Atomic uint64_t nended;
    _Atomic uint32_t nsystem_stacks; // of goroutines of the runtime's own
    _Atomic size_t nchans;           // length of chans
    // Goroutines that were started from outside their strands, and wait for a driver:
    // a hint. Changed under the lock.
    _Atomic uint32_t nheld;

    // -- idle protocol: seq_cst (sched/idle.c) --
    char idle_line[LG_CACHELINE]; // the allocator aligns to 16 bytes only
    _Atomic uint32_t nidle;       // idle Ps
    _Atomic uint32_t nspinning;   // Ms that look for work
    _Atomic size_t nglobal;       // copy of global.count
    // Ms that run beside those that nprocs allows, or will: each is one more that may
    // exist. Changed under the lock.
    _Atomic uint32_t nexcess;  // that own a P in excess
    _Atomic uint32_t nblocked; // without a P, in a blocking call or waiting behind it
    _Atomic uint32_t nwired_asleep; // that wait for what they are wired to

    // Read by whoever asks for the time, hardly ever written.
    char clock_line[LG_CACHELINE];
    struct lg_clock clock;

    char lock_line[LG_CACHELINE];
    struct lock lock;
    // -- lock --
    struct globq global;          // the global run queue
    struct runnable_list starved; // native goroutines that found no stack
    struct list strands;
    struct list idle_ps;
    struct list idle_ms;
    uint32_t nidle_ms;
    struct list p_waiters; // Ms that wait for a P, first come first served
    struct list wired_ms;  // Ms that wait for what they are wired to
    uint32_t nwired;
    struct m *made; // Ms of our own, through next_made
    uint32_t nmade;
    uint32_t last_m;            // the number of the last that was made
    uint32_t nlive;             // of them, those that have not left their loop for good
    uint32_t nleaving;          // of those, the ones on their way out (sched/reap.c)
    struct note all_left;       // woken when nlive is 0
    _Atomic uint32_t nstarting; // of them, whose thread is not there yet
    bool has_thread_trouble;    // the system refused a thread: say so once
    void (*on_error)(void *ud, const lg_error_info *info); // lg_on_error()
    void *on_error_ud;
    bool is_deadlocked;
    uint64_t nwakeups;
    struct m *driver; // NULL: nobody drives
    struct m driver_m;
    struct host host;

    struct world world;
    struct scan scan;

    struct order order; // of a deterministic one
};

LG_INLINE uint32_t lg__nprocs(struct lg_runtime *rt)
{
    // relaxed: a P in excess is noticed by its owner, through interrupts
    return atomic_load_explicit(&rt->nprocs, memory_order_relaxed);
}

LG_INLINE uint32_t lg__nps(struct lg_runtime *rt)
{
    // acquire: pairs with the release in lg__p_make(); ps[i] is filled
    return atomic_load_explicit(&rt->nps, memory_order_acquire);
}

LG_INLINE struct p *lg__p_at(struct lg_runtime *rt, uint32_t i)
{
    // relaxed: ordered by nps
    return atomic_load_explicit(&rt->ps[i], memory_order_relaxed);
}

LG_INLINE uint32_t lg__interrupts(struct lg_runtime *rt)
{
    // acquire: pairs with the release of who set them
    return atomic_load_explicit(&rt->interrupts, memory_order_acquire);
}

// The clock, read anew.
int64_t lg__now(struct lg_runtime *rt);

// The clock as it was read last: to about 10 ms while anything runs.
LG_INLINE int64_t lg__now_coarse(struct lg_runtime *rt)
{
    // relaxed: a figure
    return atomic_load_explicit(&rt->now_ns, memory_order_relaxed);
}

#endif // LG_SCHED_RUNTIME_H
