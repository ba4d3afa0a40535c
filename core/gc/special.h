// SPDX-License-Identifier: MIT
//
// What an object may have beside its bytes: a finalizer, and weak references to
// it. Tables find it by the object's start.
//
// The rules, for an object X with a finalizer, as Go's:
//   - marking takes what X refers to as reachable, but not X itself;
//   - the sweeper finds X dead: its weak references are cleared, X goes to the
//     queue, and lives on (SPECIAL_KEEP): it is a root until its turn;
//   - the finalizer goroutine takes it out, and X is an object without specials.
// An object without finalizer: its weak references are cleared and it is freed.
//
// lg_weak_get() and the sweeper agree through the lock of the object's shard. A
// thread that holds it cannot be stopped with the world, so the phase stands
// still: while it marks an object is shaded before it is handed out; else one that is
// not marked is garbage that waits for its sweep, and the answer is NULL.
//
// A cycle does not start before the last one's sweep is over.
#ifndef LG_GC_SPECIAL_H
#define LG_GC_SPECIAL_H

#include "base/base.h"
#include "base/list.h"
#include "gc/finalize.h"
#include "gc/records.h"
#include "lagoon.h"
#include "mem/alloc.h"
#include "mem/span.h"
#include "os/lock.h"

struct gc;
struct lg_runtime;

enum { SPECIAL_SHARDS = LG_SIZED(32, 2) };

enum special_verdict {
    SPECIAL_FREE, // nobody wants it any more
    SPECIAL_KEEP, // it stands in the finalizers' queue: alive in this cycle
};

// What one object has.
struct special {
    struct free_record *next_free;   // the records'
    void *obj;                       // its start; NULL: the record is free
    void (*fn)(void *obj, void *ud); // NULL: no finalizer
    void *ud;
    struct list weaks;    // struct lg_weak
    struct special *next; // in its bucket, or in the queue
};

struct lg_weak {
    struct free_record *next_free; // the records'
    struct gc_specials *owner;     // fixed while it is in use
    uint32_t shard;                // the same
    // -- the shard's lock --
    void *ptr;               // NULL: it has been collected
    struct special *special; // of the object
    struct node node;        // in special->weaks
};

struct special_shard {
    struct lock lock;
    // -- lock --
    struct records specials;  // struct special, those in the queue too
    struct records weaks;     // struct lg_weak
    struct special **buckets; // by obj
    size_t nbuckets;          // a power of two, or 0
    size_t count;
    char line[LG_CACHELINE];
};

struct gc_specials {
    struct gc *gc;
    struct lg_runtime *rt;
    struct special_shard shards[SPECIAL_SHARDS];
    struct finalize finalize;
};

void lg__specials_init(struct gc_specials *specials, struct gc *gc,
                       struct lg_runtime *rt);
void lg__specials_fini(struct gc_specials *specials);

// -- for the marker, while it marks --

// Calls visit(ud, X) for the start of each object that has a finalizer: all that
// X refers to must be marked, X itself not. In batches, without a lock. An object
// that gets a finalizer from here on is shaded itself.
void lg__specials_visit_finalizers(struct gc_specials *specials,
                                   void (*visit)(void *ud, void *obj), void *ud);

// Calls visit(ud, X) for each object in the queue: a root. With the queue's lock
// held; it may take locks of higher rank.
void lg__specials_visit_queue(struct gc_specials *specials,
                              void (*visit)(void *ud, void *obj), void *ud);

// -- for the sweeper --

// Whether any object of a span may have specials.
LG_INLINE bool lg__span_has_specials(const struct span *s)
{
    // relaxed: objects that get some meanwhile are alive
    return __atomic_load_n(&s->has_specials, __ATOMIC_RELAXED);
}

// Decides about an object that was found dead, in a span with specials, before
// its memory is touched. KEEP: it has the epoch's mark again. Takes the
// scheduler's locks; hold none of their rank or above.
enum special_verdict lg__specials_sweep(struct gc_specials *specials, void *obj);

// -- for the goroutine that runs finalizers --

// Ends the record of an object that it has taken out of its queue.
void lg__special_done(struct gc_specials *specials, struct special *special);

// -- figures --

size_t lg__specials_nqueued(struct gc_specials *specials);
size_t lg__specials_nweaks(struct gc_specials *specials);

#endif // LG_GC_SPECIAL_H
