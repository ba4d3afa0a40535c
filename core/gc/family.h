// SPDX-License-Identifier: MIT
//
// Families of spans: those that hold objects of one kind, and that a P may take
// another one of when its own is full. What mcentral is to a size class. A
// family is
//   - one type, of objects up to GC_TYPED_MAX bytes: no word beside them;
//   - or a size class and what stands in it: bytes, arrays and large types
//     without references, or with them. Their slots end in a word that is the
//     type, but for bytes.
//
// A span is in one of three lists, or active: in the hole of a P.
//
//                      take                    put
//   unswept ---sweep--> partial -----> active -----> full
//      ^                  |                            |
//      +---- all, when marking has ended --------------+
#ifndef LG_GC_FAMILY_H
#define LG_GC_FAMILY_H

#include "base/base.h"
#include "base/list.h"
#include "mem/sizeclass.h"
#include "mem/span.h"
#include "os/lock.h"

struct gc;
struct lg_type;

enum family_kind {
    FAMILY_BYTES, // no references, no type
    FAMILY_PLAIN, // no references
    FAMILY_REFS,
    NFAMILY_KINDS,
};

struct gc_family {
    struct lock lock;
    // -- lock --
    struct list unswept;
    struct list partial; // swept, some slot is free
    struct list full;    // swept or made since, none known to be free
    // -- fixed --
    struct gc *gc;
    struct lg_type *type; // NULL: slots tell, or nobody
    size_t elem_bytes;    // of a slot; 0: one object a span, of any size
    uint32_t npages;      // of a span
    uint8_t size_class;   // 0: large
    enum family_kind kind;
    struct node node; // in gc_families.all
    // -- any thread, relaxed: figures --
    _Atomic size_t nspans;
    _Atomic size_t nobjects; // claimed and not swept away
    _Atomic size_t bytes;    // of these
};

struct gc_families {
    struct gc_family sized[NCLASSES][NFAMILY_KINDS]; // class 0: large objects
    struct lock lock;
    // -- lock to change --
    struct list all;
};

void lg__families_init(struct gc *gc);
void lg__families_fini(struct gc *gc);

// The family of a type of at most GC_TYPED_MAX bytes; NULL: no memory.
struct gc_family *lg__family_of_type(struct gc *gc, struct lg_type *type);

// Takes a span in which a slot may be free; NULL: no memory. May sweep.
struct span *lg__family_take(struct gc_family *f);

// Gives one back that has no free slot, or that may have some.
void lg__family_put(struct gc_family *f, struct span *s, bool may_have_free);

// A span of its own for a large object; NULL: no memory.
struct span *lg__family_new_large(struct gc_family *f, size_t npages,
                                  struct lg_type *type);

// Marking has ended, the world is stopped: all spans are to be swept.
void lg__family_unsweep(struct gc_family *f);

// Sweeps one span; false: none was left to sweep.
bool lg__family_sweep_one(struct gc_family *f);

// Calls fn for each span in a list, with the family's lock held.
void lg__family_each_span(struct gc_family *f, void (*fn)(void *ud, struct span *s),
                          void *ud);

// Counts objects that were claimed, or (negative) that are gone.
LG_INLINE void lg__family_count(struct gc_family *f, int64_t nobjects, size_t elem_bytes)
{
    // relaxed: figures
    atomic_fetch_add_explicit(&f->nobjects, (size_t)nobjects, memory_order_relaxed);
    atomic_fetch_add_explicit(&f->bytes, (size_t)nobjects * elem_bytes,
                              memory_order_relaxed);
}

// Adds up the families of a size class, or of all.
struct family_sums {
    size_t nspans;
    size_t nobjects;
    size_t bytes;
};
enum { FAMILIES_ALL = NCLASSES };
struct family_sums lg__families_sum(struct gc *gc, uint32_t size_class);

// Objects of a span that start with a word of their own for the type.
LG_INLINE bool lg__span_has_type_words(const struct span *s)
{
    return !s->type && s->family->kind != FAMILY_BYTES;
}

#endif // LG_GC_FAMILY_H
