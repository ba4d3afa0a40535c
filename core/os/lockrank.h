// SPDX-License-Identifier: MIT
//
// The order of locks. A thread may take a lock only if its rank is above the
// ranks of all that it holds; the check build asserts it. The order is that of
// the layers: who stands higher locks first.
#ifndef LG_OS_LOCKRANK_H
#define LG_OS_LOCKRANK_H

enum lock_rank {
    RANK_SYNC = 1,  // a channel, mutex, ... (sync/): one at a time
    RANK_CHANS,     // the list of all channels (sync/chan.c)
    RANK_HANDLES,   // handles (gc/handle.c)
    RANK_ROOTS,     // ranges of roots (gc/roots.c)
    RANK_TYPES,     // the table of types (gc/type.c)
    RANK_SPECIALS,  // finalizers and weak references (gc/special.c): one shard
    RANK_FINALIZE,  // the queue of finalizers (gc/special.c)
    RANK_GC,        // who waits for a cycle, figures (gc/gc.h)
    RANK_FAMILIES,  // the list of families of spans (gc/family.c)
    RANK_FAMILY,    // the spans of one family: one at a time
    RANK_GC_OUT,    // grey objects of threads without a P (gc/mark.c)
    RANK_GC_POOL,   // full and empty work buffers (gc/work.c)
    RANK_IO,        // the strand of those who have none (io/ioloop.c)
    RANK_INPUTS,    // what comes from outside (sched/input.c)
    RANK_NETPOLL,   // which strands stand in the poll set (sched/netpoll.c)
    RANK_TIMERS,    // the timer heap of one P (sched/timer.c): one at a time
    RANK_SCHED,     // global queue, idle Ps and Ms (sched/idle.c)
    RANK_WORLD,     // who is inside the world (sched/world.c)
    RANK_GPOOL,     // goroutine records (sched/g.c)
    RANK_STACKS,    // the pool of C stacks (mem/stack.c)
    RANK_OUTSIDE,   // the block cache of threads without a P (mem/mcache.c)
    RANK_CENTRAL,   // the spans of one size class (mem/mcentral.c): one at a time
    RANK_HEAP,      // the page heap (mem/mheap.c)
    RANK_FIXED,     // memory for tables beside the heap (mem/fixed.c)
    RANK_TRACE,     // the trace buffer of one P (sched/trace.c)
    RANK_TRACE_OUT, // who hands it to the host (sched/trace.c)
};

#ifdef LG_CHECK
void lg__lockrank_acquire(enum lock_rank rank);
void lg__lockrank_release(enum lock_rank rank);
// Asserts that the thread holds nothing: before it parks, sleeps or switches.
void lg__lockrank_assert_none(void);
#else
static inline void lg__lockrank_acquire(enum lock_rank rank)
{
    (void)rank;
}
static inline void lg__lockrank_release(enum lock_rank rank)
{
    (void)rank;
}
static inline void lg__lockrank_assert_none(void)
{
}
#endif

#endif // LG_OS_LOCKRANK_H
