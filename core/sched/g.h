// SPDX-License-Identifier: MIT
//
// G: the record of a goroutine, native or scripted.
//
// Records are never given back before the runtime closes: a late waker may
// still look at the wait word of one that has ended, and finds another number
// there. A finished record goes to the cache of the P that finished it, then
// to the runtime's pool.
//
// A goroutine is in exactly one place. Who may move it:
//
//            lg__g_new                 run                  commit
//   (cache) -----------> RUNNABLE ------------> RUNNING ------------> WAITING
//      ^                   ^  ^                  |  |                    |
//      |      free         |  +------ yield -----+  |                    |
//      +-------------------|------------------------+                    |
//                          +------------ ready (deliver or commit) ------+
#ifndef LG_SCHED_G_H
#define LG_SCHED_G_H

#include "base/base.h"
#include "base/list.h"
#include "lagoon.h"
#include "mem/stack.h"
#include "os/ctx.h"
#include "os/lock.h"
#include "sched/runq.h"
#include "sched/timer.h"
#include "sched/wait.h"
#include "sched/waitop.h"

struct m;

// A copy: who looks at another's record can hold nothing alive that this one owns.
enum { G_NAME_WORDS = LG_NAME_SIZE / sizeof(uint64_t) };

// In the order of need: a switch touches the first cache line, a wait in one
// queue the first three. With a thousand goroutines that take turns the lines
// are what it costs.
struct lg_g {
    union {
        struct runnable run; // native: in run queues
        lg_post step;        // scripted: in its strand's queue
    };
    struct wait wait;
    struct stack *stack; // native: its own, from its first run on; scripted:
                         // the one it donated, NULL if none
    struct ctx ctx;      // where it left that stack

    // -- written by whoever moves it, read by anyone, relaxed: for dumps --
    _Atomic uint32_t status; // lg_status
    _Atomic bool is_system;  // the runtime's own: neither counted nor shown
    uint8_t stack_class;
    bool is_collector; // its stack is not scanned (sched/scan.c)

    // -- the goroutine itself --
    bool has_wait;     // a wait of it is not finished yet
    bool has_ticket;   // armed by lg_park_arm(), not parked yet
    bool has_timer;    // its timer was started for this wait
    bool is_dropped;   // it will not run again: finish must keep nothing for it
    bool is_abandoned; // the stack that it keeps is given up: it is not gone back to
    int result;        // of the finished wait, for lg_wait_finish()
    wait_finish *finish;

    // -- fixed while it lives --
    struct lg_runtime *rt;
    struct lg_strand *strand; // NULL: native
    void (*fn)(void *arg);    // native: what it runs
    void *arg;

    _Atomic(struct m *) home; // the only one that runs it; NULL: any (sched/wire.h)
    uint32_t nlocks;          // lg_lock_thread()

    // -- the goroutine itself; reason and since for dumps, relaxed --
    _Atomic(const char *) wait_reason;
    _Atomic int64_t wait_since_ns;

    struct wait_op op;
    struct timer timer;           // of its deadline
    struct lg_clock *clock;       // of its deadlines; NULL: the runtime's
    const char *next_reason;      // lg_wait_reason()
    _Atomic uint64_t id;          // 0: the record is free
    _Atomic uint64_t parent;      // relaxed: for dumps
    _Atomic uint64_t reported_id; // id, when the watchdog has told of it; relaxed
    struct lg_g *next_free;
    _Atomic uint32_t scan; // the cycle that has scanned it, or is at it (sched/scan.c)
    // When it began to wait and was made ready, in ticks; 0: not in this profile
    // (sched/profile.c). relaxed
    _Atomic uint64_t parked_at;
    _Atomic uint64_t ready_at;
    uint64_t told; // who it is, to a timeline (sched/timeline.c); by who runs it
    alignas(16) unsigned char extra[LG_EXTRA_SIZE]; // scripted: the strand's
    _Atomic uint64_t name[G_NAME_WORDS];            // its bytes; relaxed: for dumps
} __attribute__((aligned(LG_CACHELINE)));

enum { G_CHUNK = LG_SIZED(32, 2), G_CACHE_CAP = LG_SIZED(64, 2) };

struct g_chunk {
    struct g_chunk *next;
    struct lg_g *gs; // G_CHUNK of them, in the same block, on a cache line
};

// All records of a runtime.
struct g_pool {
    struct lock lock;
    // -- lock --
    struct lg_g *free;
    size_t nfree;
    size_t nmade;
    // -- lock to add, acquire to walk --
    _Atomic(struct g_chunk *) chunks;
    // -- any thread --
    _Atomic uint64_t last_id;
};

// Free records of one P. Owner P only.
struct g_cache {
    struct lg_g *first;
    uint32_t count;
    uint64_t next_id; // ids [next_id, end_id) are this P's to give
    uint64_t end_id;
};

void lg__g_pool_init(struct g_pool *pool);
void lg__g_pool_fini(struct g_pool *pool, const struct alloc *alloc);

// A fresh record with an id, RUNNABLE, in no queue; NULL without memory. The
// cache is NULL on threads without a P; id 0: the next.
struct lg_g *lg__g_new(struct lg_runtime *rt, struct g_cache *cache, uint64_t id);

// Returns the record of a goroutine that has ended; its id is gone.
void lg__g_free(struct lg_runtime *rt, struct g_cache *cache, struct lg_g *g);

// Names it; NULL: none.
void lg__g_set_name(struct lg_g *g, const char *name);

// Reads the name of any goroutine, or ""; while it is renamed, parts of both. Returns out.
const char *lg__g_name(const struct lg_g *g, char out[LG_NAME_SIZE]);

// Moves a P's cache to the pool.
void lg__g_cache_flush(struct g_pool *pool, struct g_cache *cache);

LG_INLINE enum lg_status lg__g_status(struct lg_g *g)
{
    // acquire: pairs with the release in lg__g_set_status(); who sees that a
    // goroutine waits sees what it did before
    return (enum lg_status)atomic_load_explicit(&g->status, memory_order_acquire);
}

LG_INLINE void lg__g_set_status(struct lg_g *g, enum lg_status from, enum lg_status to)
{
    LG_ASSERT(lg__g_status(g) == from);
    (void)from;
    // release: pairs with the acquire in lg__g_status()
    atomic_store_explicit(&g->status, (uint32_t)to, memory_order_release);
}

LG_INLINE uint64_t lg__g_id(struct lg_g *g)
{
    // acquire: pairs with the release in lg__g_free(): an id of a later life
    // is seen together with its wait word
    return atomic_load_explicit(&g->id, memory_order_acquire);
}

#endif // LG_SCHED_G_H
