// SPDX-License-Identifier: MIT
//
// Walks a heap and asserts what its headers say; the check build has the means.
#include "mem/mheap.h"

#ifdef LG_CHECK

// What the walk adds up.
struct census {
    size_t nspanned[SPAN_COLLECTED + 1];
    size_t nfree;
    size_t nidle;
    size_t nruns;
};

static uint32_t first_of(const struct arena *arena, size_t page)
{
    // relaxed: our lock
    return atomic_load_explicit(&arena->first[page], memory_order_relaxed);
}

static bool is_idle(const struct arena *arena, size_t page)
{
    return (arena->idle[page / 64] >> (page % 64)) & 1;
}

static void verify_run(const struct arena *arena, size_t page, const struct span *s,
                       struct census *census)
{
    LG_ASSERT(lg__span_kind(s) == SPAN_FREE);
    for (size_t i = page; i < page + s->npages; i++) {
        bool is_end = i == page || i + 1 == page + s->npages;
        LG_ASSERT(first_of(arena, i) == (is_end ? page : SPAN_NONE));
        census->nidle += is_idle(arena, i);
    }
    census->nfree += s->npages;
    census->nruns++;
}

static void verify_span(const struct arena *arena, size_t page, const struct span *s,
                        struct census *census)
{
    LG_ASSERT(s->purpose != SPAN_FREE);
    enum span_kind kind = lg__span_kind(s);
    LG_ASSERT(kind == SPAN_FREE || kind == (enum span_kind)s->purpose);
    size_t end = page + s->npages < ARENA_PAGES ? page + s->npages : ARENA_PAGES;
    for (size_t i = page; i < end; i++) {
        LG_ASSERT(first_of(arena, i) == page);
        LG_ASSERT(!is_idle(arena, i));
    }
    if (kind != SPAN_FREE) {
        LG_ASSERT(s->nelems == 1 || s->elem_bytes * s->nelems <= lg__span_bytes(s));
    }
    census->nspanned[s->purpose] += s->npages;
}

static void verify_arena(const struct heap *h, const struct arena *arena,
                         struct census *census)
{
    LG_ASSERT(arena->heap == h);
    bool was_free = false;
    size_t page = HEADER_PAGES;
    while (page < ARENA_PAGES) {
        const struct span *s = &arena->spans[page];
        LG_ASSERT(s->start == (const char *)arena + (page << PAGE_SHIFT));
        LG_ASSERT(s->npages > 0);
        LG_ASSERT(!s->is_free || !was_free); // or they would have been joined
        was_free = s->is_free;
        if (s->is_free) {
            verify_run(arena, page, s, census);
        } else {
            verify_span(arena, page, s, census);
        }
        page += s->npages;
    }
    LG_ASSERT(page <= arena->narenas * ARENA_PAGES);
}

static void count_run(void *ud, struct span *s)
{
    LG_ASSERT(s->is_free);
    --*(size_t *)ud;
}

static size_t figure(_Atomic size_t *value)
{
    // relaxed: written with the lock, which we have
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void verify_locked(struct heap *h) LG_REQUIRES(h->lock)
{
    struct census census = {0};
    for (struct arena *arena = h->arenas; arena; arena = arena->next) {
        verify_arena(h, arena, &census);
    }
    lg__runs_verify(&h->runs);
    lg__runs_each(&h->runs, count_run, &census.nruns);
    LG_ASSERT(census.nruns == 0);
    LG_ASSERT(census.nidle == figure(&h->nidle));
    LG_ASSERT(census.nfree == figure(&h->nidle) + figure(&h->nreleased));
    for (int kind = SPAN_EXPLICIT; kind <= SPAN_COLLECTED; kind++) {
        LG_ASSERT(census.nspanned[kind] == figure(&h->nspanned[kind]));
    }
    for (struct arena *at = h->standby; at && at->next; at = at->next) {
        LG_ASSERT((char *)at + at->narenas * ARENA_BYTES < (char *)at->next);
    }
}

void lg__heap_verify(struct heap *h)
{
    lg__lock(&h->lock, RANK_HEAP);
    verify_locked(h);
    lg__unlock(&h->lock, RANK_HEAP);
}

#else

void lg__heap_verify(struct heap *h)
{
    (void)h;
}

#endif
