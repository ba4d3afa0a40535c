// SPDX-License-Identifier: MIT
//
// One P's share of the collector: where it makes its next objects, the grey ones that
// it has found, and what it owes. It belongs to the M that owns the P, or to who has
// stopped the world.
#ifndef LG_GC_GCP_H
#define LG_GC_GCP_H

#include "base/base.h"
#include "gc/family.h"
#include "gc/work.h"
#include "sched/m.h"
#include "sched/p.h"

struct gc;

enum {
    // Types with a number below this find their hole without another load.
    GC_TYPES_INLINE = LG_SIZED(64, 2),
    // Typed objects up to this size live among their like.
    GC_TYPED_MAX = 512,
};

// The free places of one family that a P allocates from next: [at, end) in span,
// all of them zeroed and with mark bytes. `next` is where the one after is
// looked for.
struct hole {
    char *at;
    char *end;
    struct span *span; // NULL: none
    uint32_t next;     // index of a slot
};

// One P's share of the collector.
struct gc_p {
    // -- owner P; changed by others when the world is stopped --
    bool is_marking; // stores tell the collector
    struct gc *gc;
    struct hole typed[GC_TYPES_INLINE]; // by number of the type
    struct hole *more_typed;            // of higher numbers
    uint32_t nmore_typed;
    struct hole sized[NCLASSES][NFAMILY_KINDS]; // by class
    char *tiny; // [tiny, tiny_end): rest of a block of 16 bytes
    char *tiny_end;
    struct gc_work work; // grey objects
    int64_t credit;      // of marking, in bytes; below 0 it is owed
    // -- written by the owner, read by anyone, relaxed: figures --
    _Atomic uint64_t allocated; // objects, as far as holes were claimed
    _Atomic uint64_t allocated_bytes;
    _Atomic uint64_t marked_bytes; // ever
    _Atomic int64_t assist_ns;
};

// The gc_p of the calling M's P, made if there is none. NULL: no memory.
struct gc_p *lg__gc_p(struct m *m);

// The share of any P, if it has one; for those who have stopped the world, and for
// figures.
LG_INLINE struct gc_p *lg__gc_of(struct p *p)
{
    // acquire: pairs with the release in lg__gc_p()
    return __atomic_load_n(&p->gc, __ATOMIC_ACQUIRE);
}

// Frees it, when the runtime closes.
void lg__gcp_free(struct gc *gc, struct gc_p *gp);

#endif // LG_GC_GCP_H
