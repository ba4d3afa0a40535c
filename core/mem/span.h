// SPDX-License-Identifier: MIT
//
// Span: a run of pages with one purpose. It holds blocks of one size that their
// owners free, or objects that are collected, or it is free.
//
// Spans stand in arenas: 64 MB of address space, aligned to their size, with the
// records of all spans in front. So a pointer leads to its arena by a mask, to its
// page by a shift, and `first` tells the page's span.
//
//   arena +--------------------------------+ aligned to 64 MB
//         | heap, bitmaps                  |
//         | first[]: a page's span         | index of the span's first page
//         | classes[]: a page's size class |
//         | spans[]: records               | touched only where a span starts
//         | marks[]: the collector's       | touched only where it has objects
//         +--------------------------------+ + HEADER_PAGES
//         | pages of spans                 |
//         +--------------------------------+ + 64 MB
//
// An object too large for an arena has several in a row, of which only the first
// has a header and only one span.
#ifndef LG_MEM_SPAN_H
#define LG_MEM_SPAN_H

#include "base/base.h"
#include "base/list.h"
#include "mem/sizeclass.h"

enum {
    ARENA_SHIFT = 26,
    ARENA_PAGES = 1 << (ARENA_SHIFT - PAGE_SHIFT),
    SPAN_NONE = 0, // no span starts in an arena's header
    SPAN_BLOCKS_MAX = 1024,
};
#define ARENA_BYTES ((size_t)1 << ARENA_SHIFT)
#define ARENA_MASK ((uintptr_t)ARENA_BYTES - 1)

enum { GRANULE_BYTES = 16 }; // of memory that have a mark byte

enum span_kind {
    SPAN_FREE, // or not published
    SPAN_EXPLICIT,
    SPAN_COLLECTED,
};

struct heap;
struct lg_type;
struct gc_family;

struct span {
    // -- fixed while it is published --
    char *start;
    size_t elem_bytes;
    uint32_t npages;
    uint32_t nelems;
    uint32_t div_magic; // lg__span_index(); 0: one object
    uint8_t size_class; // 0: a large object
    uint8_t purpose;    // the span_kind that it was taken for
    bool needs_zero;    // its memory may be dirty

    // -- any thread --
    // Written with release, last of all when the span comes into use, first when it goes: who
    // reads it with acquire may read the fields above.
    _Atomic uint8_t kind;

    // -- lock of the heap --
    bool is_free; // one of the heap's free runs
    union {
        struct node node; // links for whoever owns it
        struct {          // in the tree of long free runs (mem/runs.c)
            struct span *left;
            struct span *right;
        };
    };

    // -- SPAN_EXPLICIT: lock of its class's mcentral --
    uint32_t nused; // blocks that are elsewhere: in use, in caches
    uint64_t is_free_block[SPAN_BLOCKS_MAX / 64]; // the others, by number
#ifndef NDEBUG
    _Atomic uint8_t *live; // of each block: 1, its owner has it (mem/guard.c)
#endif

    // -- SPAN_COLLECTED: the collector's --
    struct lg_type *type; // of all objects; NULL: each has a word in the end of its slot
    struct gc_family *family;
    _Atomic uint32_t sweep_cycle; // the cycle after which it was swept last
    bool has_refs;                // objects may hold references
    bool has_specials;            // finalizers or weak references exist for some object
};

struct arena {
    // -- fixed while it is in the heap's table --
    struct heap *heap;
    size_t narenas; // in a row, for one large object
    // -- lock of the heap --
    struct arena *next;              // of the heap's arenas, or of those that stand by
    uint64_t idle[ARENA_PAGES / 64]; // pages that are free and backed by memory
    uint64_t
        touched[ARENA_PAGES * sizeof(struct span) / 4096 / 64 + 1]; // pages of spans[]
    // -- written with the lock of the heap, read by anyone --
    _Atomic uint16_t first[ARENA_PAGES]; // of a free run: at its ends only
    // -- written before blocks of the page are handed out --
    uint8_t classes[ARENA_PAGES]; // of spans of explicit blocks; 0: any other page
    struct span spans[ARENA_PAGES];
    // -- the collector's (gc/gc.h); all zero in pages that are no span of its --
    _Atomic(uint8_t) marks[ARENA_BYTES / GRANULE_BYTES];
};

enum { HEADER_PAGES = (sizeof(struct arena) + PAGE_BYTES - 1) / PAGE_BYTES };

// The arena of a pointer into a span, if it is not far into an object larger than an arena.
LG_INLINE struct arena *lg__arena_of(const void *ptr)
{
    return (struct arena *)((uintptr_t)ptr & ~(uintptr_t)(ARENA_BYTES - 1));
}

LG_INLINE uint32_t lg__arena_page(const struct arena *arena, const void *ptr)
{
    return (uint32_t)(((uintptr_t)ptr - (uintptr_t)arena) >> PAGE_SHIFT);
}

// The span of a block or object, from the pointer to its start.
LG_INLINE struct span *lg__span_of(const void *ptr)
{
    struct arena *arena = lg__arena_of(ptr);
    // relaxed: the page does not change while something lives in it
    uint32_t first = atomic_load_explicit(&arena->first[lg__arena_page(arena, ptr)],
                                          memory_order_relaxed);
    return &arena->spans[first];
}

// The mark byte of the 16 bytes that a pointer leads into, near the start of a span.
LG_INLINE _Atomic(uint8_t) *lg__mark_of(const void *ptr)
{
    return &lg__arena_of(ptr)->marks[((uintptr_t)ptr & ARENA_MASK) / GRANULE_BYTES];
}

LG_INLINE size_t lg__span_bytes(const struct span *s)
{
    return (size_t)s->npages << PAGE_SHIFT;
}

LG_INLINE enum span_kind lg__span_kind(const struct span *s)
{
    // acquire: pairs with the release in lg__span_publish()
    return (enum span_kind)atomic_load_explicit(&s->kind, memory_order_acquire);
}

// Sets the fields that say how a span is cut. Exact for blocks from 8 bytes to
// SMALL_BYTES_MAX in spans of up to 128 KB; one larger block fills its span.
LG_INLINE void lg__span_cut(struct span *s, size_t elem_bytes)
{
    bool is_single = elem_bytes > SMALL_BYTES_MAX;
    s->elem_bytes = elem_bytes;
    s->nelems = is_single ? 1 : (uint32_t)(lg__span_bytes(s) / elem_bytes);
    s->div_magic = is_single ? 0 : (uint32_t)((((uint64_t)1 << 32) - 1) / elem_bytes + 1);
}

// The number of the object that a pointer into the span points to; nelems or
// more: it points behind the last one.
LG_INLINE uint32_t lg__span_index(const struct span *s, const void *ptr)
{
    uint64_t offset = (uint64_t)((const char *)ptr - s->start);
    return (uint32_t)((offset * s->div_magic) >> 32);
}

#endif // LG_MEM_SPAN_H
