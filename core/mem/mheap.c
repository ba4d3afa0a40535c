// SPDX-License-Identifier: MIT
#include "mem/mheap.h"

#include <string.h>

#include "lagoon.h"
#include "mem/arena.h"
#include "mem/poison.h"
#include "os/vm.h"

#define TABLE_BYTES (ARENAS_MAX * sizeof(uintptr_t))

int lg__heap_init(struct heap *h)
{
    void *table;
    int err = lg__vm_reserve(TABLE_BYTES, &table);
    if (err) {
        return err;
    }
    memset(h, 0, sizeof *h);
    h->table = table;
    lg__fixed_init(&h->fixed);
    for (uint32_t class = 1; class < NCLASSES; class ++) {
        lg__mcentral_init(&h->centrals[class], class);
    }
    lg__mcache_init(&h->outside, h);
    // relaxed: a figure. Arenas are near each other: one page of the table.
    atomic_store_explicit(&h->header_bytes, lg__vm_page_bytes(), memory_order_relaxed);
    return LG_OK;
}

void lg__heap_fini(struct heap *h)
{
    if (h->table) {
        lg__arenas_free(h);
        lg__fixed_fini(&h->fixed);
        lg__vm_free(h->table, TABLE_BYTES);
        h->table = NULL;
    }
}

LG_INLINE void count(_Atomic size_t *figure, size_t delta)
{
    // relaxed: a figure, written with the lock
    size_t value = atomic_load_explicit(figure, memory_order_relaxed);
    atomic_store_explicit(figure, value + delta, memory_order_relaxed);
}

// ---------------------------------------------------------------------------
// Pages of an arena
// ---------------------------------------------------------------------------

static void set_first(struct arena *arena, uint32_t page, uint32_t first)
{
    // relaxed: who finds a span through it looks at its kind
    atomic_store_explicit(&arena->first[page], (uint16_t)first, memory_order_relaxed);
}

static uint32_t get_first(const struct arena *arena, uint32_t page)
{
    // relaxed: our lock
    return atomic_load_explicit(&arena->first[page], memory_order_relaxed);
}

static void set_first_range(struct heap *h, struct arena *arena, uint32_t page,
                            size_t npages, uint32_t first) LG_REQUIRES(h->lock)
{
    lg__arena_touch_locked(h, arena, (const void *)&arena->first[page],
                           npages * sizeof arena->first[0]);
    for (size_t i = 0; i < npages; i++) {
        set_first(arena, page + (uint32_t)i, first);
    }
}

// The bits of one word of a bitmap that lie in [page, end).
static uint64_t word_mask(uint32_t word, uint32_t page, uint32_t end)
{
    uint64_t mask = ~(uint64_t)0;
    if (word == page / 64) {
        mask &= ~(uint64_t)0 << (page % 64);
    }
    if (word == (end - 1) / 64) {
        mask &= ~(uint64_t)0 >> (63 - (end - 1) % 64);
    }
    return mask;
}

static void set_idle(struct arena *arena, uint32_t page, size_t npages)
{
    uint32_t end = page + (uint32_t)npages;
    for (uint32_t i = page / 64; i <= (end - 1) / 64; i++) {
        arena->idle[i] |= word_mask(i, page, end);
    }
}

// Returns how many were set.
static size_t clear_idle(struct arena *arena, uint32_t page, size_t npages)
{
    uint32_t end = page + (uint32_t)npages;
    size_t n = 0;
    for (uint32_t i = page / 64; i <= (end - 1) / 64; i++) {
        uint64_t bits = arena->idle[i] & word_mask(i, page, end);
        n += (size_t)__builtin_popcountll(bits);
        arena->idle[i] &= ~bits;
    }
    return n;
}

// ---------------------------------------------------------------------------
// Free runs
// ---------------------------------------------------------------------------

static struct span *record(struct heap *h, struct arena *arena, uint32_t page)
    LG_REQUIRES(h->lock)
{
    struct span *s = &arena->spans[page];
    lg__arena_touch_locked(h, arena, s, sizeof *s);
    return s;
}

// Makes pages that belong to nothing a free run. Its inner pages lead nowhere.
static void add_run_locked(struct heap *h, struct arena *arena, uint32_t page,
                           size_t npages) LG_REQUIRES(h->lock)
{
    struct span *s = record(h, arena, page);
    s->start = (char *)arena + ((size_t)page << PAGE_SHIFT);
    s->npages = (uint32_t)npages;
    s->is_free = true;
    set_first_range(h, arena, page, 1, page);
    set_first_range(h, arena, page + (uint32_t)npages - 1, 1, page);
    lg__runs_add(&h->runs, s);
}

static void remove_run_locked(struct heap *h, struct arena *arena, struct span *s)
    LG_REQUIRES(h->lock)
{
    uint32_t page = (uint32_t)(s - arena->spans);
    lg__runs_remove(&h->runs, s);
    s->is_free = false;
    set_first(arena, page, SPAN_NONE);
    set_first(arena, page + s->npages - 1, SPAN_NONE);
}

// The free run that begins or ends at a page; NULL: there is none.
static struct span *run_at(struct arena *arena, uint32_t page)
{
    uint32_t first = page < ARENA_PAGES ? get_first(arena, page) : SPAN_NONE;
    struct span *s = &arena->spans[first];
    return first != SPAN_NONE && s->is_free ? s : NULL;
}

// Makes pages free, together with the free runs on both sides.
static void join_run_locked(struct heap *h, struct arena *arena, uint32_t page,
                            size_t npages) LG_REQUIRES(h->lock)
{
    struct span *after = run_at(arena, page + (uint32_t)npages);
    if (after) {
        npages += after->npages;
        remove_run_locked(h, arena, after);
    }
    struct span *before = run_at(arena, page - 1);
    if (before) {
        page -= before->npages;
        npages += before->npages;
        remove_run_locked(h, arena, before);
    }
    add_run_locked(h, arena, page, npages);
}

static bool grow_locked(struct heap *h) LG_REQUIRES(h->lock)
{
    struct arena *arena = lg__arena_get_locked(h, 1);
    if (!arena) {
        return false;
    }
    arena->next = h->arenas;
    h->arenas = arena;
    count(&h->nreleased, SPAN_PAGES_MAX);
    add_run_locked(h, arena, HEADER_PAGES, SPAN_PAGES_MAX);
    lg__arena_show_locked(h, arena, 0);
    return true;
}

// ---------------------------------------------------------------------------
// Spans
// ---------------------------------------------------------------------------

// A record without a past. Its kind has been SPAN_FREE for a while.
static void span_init(struct span *s, char *start, size_t npages, enum span_kind purpose)
{
    s->start = start;
    s->elem_bytes = 0;
    s->npages = (uint32_t)npages;
    s->nelems = 0;
    s->div_magic = 0;
    s->size_class = 0;
    s->purpose = (uint8_t)purpose;
    s->needs_zero = false;
    s->is_free = false;
    s->node = (struct node){NULL, NULL};
    memset(&s->free, 0, sizeof *s - offsetof(struct span, free));
}

static struct span *take_locked(struct heap *h, size_t npages, enum span_kind kind)
    LG_REQUIRES(h->lock)
{
    struct span *s = lg__runs_find(&h->runs, npages);
    if (!s) {
        if (!grow_locked(h)) {
            return NULL;
        }
        s = lg__runs_find(&h->runs, npages);
    }
    struct arena *arena = lg__arena_of(s);
    uint32_t page = (uint32_t)(s - arena->spans);
    size_t rest = s->npages - npages;
    remove_run_locked(h, arena, s);
    if (rest > 0) {
        add_run_locked(h, arena, page + (uint32_t)npages, rest);
    }
    span_init(s, s->start, npages, kind);
    size_t nbacked = clear_idle(arena, page, npages);
    s->needs_zero = nbacked > 0;
    count(&h->nidle, 0 - nbacked);
    count(&h->nreleased, 0 - (npages - nbacked));
    set_first_range(h, arena, page, npages, page);
    return s;
}

static size_t arenas_for(size_t npages)
{
    return (npages + HEADER_PAGES + ARENA_PAGES - 1) / ARENA_PAGES;
}

// A span in arenas of its own.
static struct span *take_huge_locked(struct heap *h, size_t npages, enum span_kind kind)
    LG_REQUIRES(h->lock)
{
    struct arena *arena = lg__arena_get_locked(h, arenas_for(npages));
    if (!arena) {
        return NULL;
    }
    arena->next = h->arenas;
    h->arenas = arena;
    struct span *s = record(h, arena, HEADER_PAGES);
    span_init(s, (char *)arena + (size_t)HEADER_PAGES * PAGE_BYTES, npages, kind);
    set_first_range(h, arena, HEADER_PAGES, SPAN_PAGES_MAX, HEADER_PAGES);
    lg__arena_show_locked(h, arena, kind == SPAN_EXPLICIT ? ARENA_EXPLICIT : 0);
    return s;
}

int lg__span_new(struct heap *h, size_t npages, enum span_kind kind, struct span **out)
{
    LG_ASSERT(npages > 0 && kind != SPAN_FREE);
    if (npages > UINT32_MAX || !lg__vm_is_granted()) {
        return LG_ENOMEM;
    }
    lg__lock(&h->lock, RANK_HEAP);
    struct span *s = npages > SPAN_PAGES_MAX ? take_huge_locked(h, npages, kind)
                                             : take_locked(h, npages, kind);
    if (s) {
        count(&h->nspanned[kind], npages);
    }
    lg__unlock(&h->lock, RANK_HEAP);
    if (!s) {
        return LG_ENOMEM;
    }
    if (npages <= SPAN_PAGES_MAX) {
        lg__unpoison(s->start, lg__span_bytes(s));
    }
    *out = s;
    return LG_OK;
}

static void free_huge_locked(struct heap *h, struct arena *arena) LG_REQUIRES(h->lock)
{
    struct arena **at = &h->arenas;
    while (*at != arena) {
        at = &(*at)->next;
    }
    *at = arena->next;
    lg__arena_put_locked(h, arena);
}

void lg__span_free(struct heap *h, struct span *s)
{
    struct arena *arena = lg__arena_of(s);
    uint32_t page = (uint32_t)(s - arena->spans);
    // relaxed: who found it a moment ago had to know that it stays
    atomic_store_explicit(&s->kind, SPAN_FREE, memory_order_relaxed);
    lg__lock(&h->lock, RANK_HEAP);
    count(&h->nspanned[s->purpose], 0 - (size_t)s->npages);
    if (s->npages > SPAN_PAGES_MAX) {
        free_huge_locked(h, arena);
    } else {
        lg__poison(s->start, lg__span_bytes(s));
        size_t npages = s->npages;
        set_idle(arena, page, npages);
        count(&h->nidle, npages);
        set_first_range(h, arena, page, npages, SPAN_NONE);
        join_run_locked(h, arena, page, npages);
    }
    lg__unlock(&h->lock, RANK_HEAP);
}

// ---------------------------------------------------------------------------
// Looking at all of them
// ---------------------------------------------------------------------------

static void each_of_arena(struct arena *arena, void (*fn)(void *ud, struct span *s),
                          void *ud)
{
    for (size_t page = HEADER_PAGES; page < ARENA_PAGES;) {
        struct span *s = &arena->spans[page];
        if (lg__span_kind(s) != SPAN_FREE) {
            fn(ud, s);
        }
        page += s->npages;
    }
}

void lg__heap_each_span(struct heap *h, void (*fn)(void *ud, struct span *s), void *ud)
{
    lg__lock(&h->lock, RANK_HEAP);
    for (struct arena *arena = h->arenas; arena; arena = arena->next) {
        each_of_arena(arena, fn, ud);
    }
    lg__unlock(&h->lock, RANK_HEAP);
}

size_t lg__heap_total_bytes(struct heap *h)
{
    // relaxed: figures
    size_t npages =
        atomic_load_explicit(&h->nspanned[SPAN_EXPLICIT], memory_order_relaxed) +
        atomic_load_explicit(&h->nspanned[SPAN_COLLECTED], memory_order_relaxed) +
        atomic_load_explicit(&h->nidle, memory_order_relaxed);
    return (npages << PAGE_SHIFT) +
           atomic_load_explicit(&h->header_bytes, memory_order_relaxed) +
           lg__fixed_bytes(&h->fixed);
}
