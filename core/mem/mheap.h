// SPDX-License-Identifier: MIT
//
// The page heap: spans of pages in arenas. Best fit by length, coalescing with free
// neighbours, address to span in constant time.
//
// Everything that changes spans is done with the heap's lock, the innermost but
// one. lg__heap_find() takes none: the table of arenas is address space for every
// arena that a process could have, touched where there are some. Address space is
// never unmapped while the heap lives, so who follows a table entry that has just
// gone reads zeros (no span) or a span that it has to check anyway.
#ifndef LG_MEM_MHEAP_H
#define LG_MEM_MHEAP_H

#include "mem/fixed.h"
#include "mem/mcache.h"
#include "mem/mcentral.h"
#include "mem/runs.h"
#include "mem/span.h"
#include "os/lock.h"

enum {
    ADDRESS_BITS = 48,
    ARENAS_MAX = 1 << (ADDRESS_BITS - ARENA_SHIFT),
    SPAN_PAGES_MAX = ARENA_PAGES - HEADER_PAGES, // in one arena
};

struct heap {
    // -- fixed --
    // By address. Tagged with ARENA_EXPLICIT: belongs to one explicit block.
    _Atomic(uintptr_t) *table;

    // -- have locks of their own --
    struct fixed fixed; // the collector's tables, and ours
    struct mcentral centrals[NCLASSES];

    // -- any thread, relaxed: figures --
    _Atomic size_t nlarge;       // explicit blocks with a span to themselves
    _Atomic size_t cap_bytes;    // of all memory, idle pages included; SIZE_MAX: none
    _Atomic size_t beside_bytes; // that counts with it: stacks
    _Atomic uint32_t ngraces;    // while there are any it refuses nothing

    struct lock outside_lock;
    // -- outside_lock --
    struct mcache outside; // of threads without a P

    struct lock lock;
    // -- lock --
    struct runs runs;
    struct arena *arenas;  // that have spans
    struct arena *standby; // address space without memory, by address
    size_t least_idle;     // nidle, since the last trim: so many nobody has needed

    // -- written with the lock, read by anyone, relaxed: figures --
    _Atomic size_t nspanned[SPAN_COLLECTED + 1]; // pages in spans, by kind
    _Atomic size_t nidle;                        // free pages backed by memory
    _Atomic size_t nreleased;                    // free pages that are not
    _Atomic size_t header_bytes;                 // of arenas' headers and the table
};

enum { ARENA_EXPLICIT = 1 };

int lg__heap_init(struct heap *h);

// Sets a cap, SIZE_MAX for none: spans that would exceed it are not granted. What is used
// already stays.
void lg__heap_set_cap(struct heap *h, size_t cap_bytes);

// Whether there is one.
LG_INLINE bool lg__heap_is_capped(struct heap *h)
{
    // relaxed: a setting
    return LG_UNLIKELY(atomic_load_explicit(&h->cap_bytes, memory_order_relaxed) !=
                       SIZE_MAX);
}

// Between these the cap refuses nothing, to anybody: who makes a block smaller must get one,
// and who waits a stack for the others.
void lg__heap_grace_begin(struct heap *h);
void lg__heap_grace_end(struct heap *h);

// Whether the cap is exceeded by no more than what progress may cost: who may get a stack
// beyond it if everything else waits.
bool lg__heap_has_reserve(struct heap *h);

// Counts memory beside the heap under its cap; false: it would be exceeded. And takes it
// back.
bool lg__heap_charge(struct heap *h, size_t size_bytes);
void lg__heap_discharge(struct heap *h, size_t size_bytes);

// Gives all memory back, whatever stands in it.
void lg__heap_fini(struct heap *h);

// Takes a span of so many pages, for `kind`. start, npages and needs_zero are set,
// everything else is zero. Nobody finds it before lg__span_publish(), so fill it
// first. LG_OK or LG_ENOMEM.
int lg__span_new(struct heap *h, size_t npages, enum span_kind kind, struct span **out);

// Makes a span known to lg__heap_find() and lg__heap_each_span().
LG_INLINE void lg__span_publish(struct span *s)
{
    // release: pairs with the acquire in lg__span_kind(); all fields are visible
    atomic_store_explicit(&s->kind, s->purpose, memory_order_release);
}

// Gives a span back; published or not.
void lg__span_free(struct heap *h, struct span *s);

// The arena with the span that any pointer may point into; NULL: none of this heap.
// Unless the pointer is far into a large object, it lies in that arena.
LG_INLINE struct arena *lg__heap_arena(struct heap *h, const void *ptr)
{
    uintptr_t index = (uintptr_t)ptr >> ARENA_SHIFT;
    if (LG_UNLIKELY(index >= ARENAS_MAX)) {
        return NULL;
    }
    // acquire: pairs with the release in mheap.c:table_set(); the header is filled
    uintptr_t entry = atomic_load_explicit(&h->table[index], memory_order_acquire);
    return LG_LIKELY(!(entry & ARENA_EXPLICIT)) ? (struct arena *)entry : NULL;
}

// The span that any pointer points into, published and of this heap; NULL: none. An
// explicit block larger than an arena is not found. An explicit span may go at any
// moment, unless the caller has a block in it: only its kind may be looked at.
LG_INLINE struct span *lg__heap_find(struct heap *h, const void *ptr)
{
    struct arena *arena = lg__heap_arena(h, ptr);
    if (!arena) {
        return NULL;
    }
    size_t page = ((uintptr_t)ptr - (uintptr_t)arena) >> PAGE_SHIFT;
    uint32_t first = HEADER_PAGES; // of the one span, when it is far into it
    if (LG_LIKELY(page < ARENA_PAGES)) {
        // relaxed: an entry that is not the span's any more is caught below
        first = atomic_load_explicit(&arena->first[page], memory_order_relaxed);
    }
    struct span *s = &arena->spans[first];
    enum span_kind kind = first == SPAN_NONE ? SPAN_FREE : lg__span_kind(s);
    if (kind == SPAN_COLLECTED &&
        (uintptr_t)ptr - (uintptr_t)s->start >= lg__span_bytes(s)) {
        return NULL; // another span has come to begin at the old one's first page
    }
    return kind == SPAN_FREE ? NULL : s;
}

// Calls fn for each published span, in no order, with the heap's lock held: fn
// takes and frees none.
void lg__heap_each_span(struct heap *h, void (*fn)(void *ud, struct span *s), void *ud);

// All memory that counts for a limit: spans, idle pages, tables.
size_t lg__heap_total_bytes(struct heap *h);

// Walks all arenas and asserts what the headers say.
void lg__heap_verify(struct heap *h);

#endif // LG_MEM_MHEAP_H
