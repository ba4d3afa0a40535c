// SPDX-License-Identifier: MIT
#include "mem/mheap.h"

#include <string.h>

#include "lagoon.h"
#include "mem/arena.h"
#include "mem/pages.h"
#include "mem/poison.h"
#include "mem/scavenge.h"
#include "os/vm.h"

enum { RESERVE_SHARE = 64 }; // of the cap, beyond it

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
    lg__mcache_init(&h->outside, h);
    lg__heap_set_cap(h, SIZE_MAX);
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
// Spans
// ---------------------------------------------------------------------------

static bool grow_locked(struct heap *h) LG_REQUIRES(h->lock)
{
    struct arena *arena = lg__arena_get_locked(h, 1);
    if (!arena) {
        return false;
    }
    arena->next = h->arenas;
    h->arenas = arena;
    count(&h->nreleased, SPAN_PAGES_MAX);
    lg__pages_add_run_locked(h, arena, HEADER_PAGES, SPAN_PAGES_MAX);
    lg__arena_show_locked(h, arena, 0);
    return true;
}

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
    memset(&s->nused, 0, sizeof *s - offsetof(struct span, nused));
}

static void note_least_idle_locked(struct heap *h) LG_REQUIRES(h->lock)
{
    // relaxed: our lock
    size_t nidle = atomic_load_explicit(&h->nidle, memory_order_relaxed);
    h->least_idle = nidle < h->least_idle ? nidle : h->least_idle;
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
    lg__pages_remove_run_locked(h, arena, s);
    if (rest > 0) {
        lg__pages_add_run_locked(h, arena, page + (uint32_t)npages, rest);
    }
    span_init(s, s->start, npages, kind);
    size_t nbacked = lg__pages_clear_idle(arena, page, npages);
    s->needs_zero = nbacked > 0;
    count(&h->nidle, 0 - nbacked);
    note_least_idle_locked(h);
    count(&h->nreleased, 0 - (npages - nbacked));
    lg__pages_lead_to_locked(h, arena, page, npages, page);
    return s;
}

// ---------------------------------------------------------------------------
// The cap
// ---------------------------------------------------------------------------

void lg__heap_set_cap(struct heap *h, size_t cap_bytes)
{
    // relaxed: a setting
    atomic_store_explicit(&h->cap_bytes, cap_bytes, memory_order_relaxed);
}

// By how much the memory in use, idle pages or not, and so much more exceed the cap.
static size_t excess(struct heap *h, size_t nidle, size_t more_bytes)
{
    // relaxed: figures; those of spans are exact with the lock
    size_t cap = atomic_load_explicit(&h->cap_bytes, memory_order_relaxed);
    size_t npages =
        atomic_load_explicit(&h->nspanned[SPAN_EXPLICIT], memory_order_relaxed) +
        atomic_load_explicit(&h->nspanned[SPAN_COLLECTED], memory_order_relaxed) + nidle;
    size_t used = (npages << PAGE_SHIFT) + lg__fixed_bytes(&h->fixed) +
                  atomic_load_explicit(&h->header_bytes, memory_order_relaxed) +
                  atomic_load_explicit(&h->beside_bytes, memory_order_relaxed);
    return used + more_bytes > cap ? used + more_bytes - cap : 0;
}

void lg__heap_grace_begin(struct heap *h)
{
    // relaxed: we see it ourselves, and for others it is luck
    atomic_fetch_add_explicit(&h->ngraces, 1, memory_order_relaxed);
}

void lg__heap_grace_end(struct heap *h)
{
    // relaxed: as above
    atomic_fetch_sub_explicit(&h->ngraces, 1, memory_order_relaxed);
}

static bool is_refused(struct heap *h, size_t more_bytes)
{
    // relaxed: as above
    return lg__heap_is_capped(h) && excess(h, 0, more_bytes) > 0 &&
           atomic_load_explicit(&h->ngraces, memory_order_relaxed) == 0;
}

bool lg__heap_has_reserve(struct heap *h)
{
    // relaxed: a setting
    size_t cap = atomic_load_explicit(&h->cap_bytes, memory_order_relaxed);
    return lg__heap_is_capped(h) && excess(h, 0, 0) < cap / RESERVE_SHARE;
}

// Idle pages make room for what has been granted.
static void make_room(struct heap *h)
{
    if (lg__heap_is_capped(h)) {
        // relaxed: a figure
        size_t nidle = atomic_load_explicit(&h->nidle, memory_order_relaxed);
        size_t over = excess(h, nidle, 0);
        if (over > 0) {
            lg__heap_release(h, (over + PAGE_BYTES - 1) >> PAGE_SHIFT);
        }
    }
}

bool lg__heap_charge(struct heap *h, size_t size_bytes)
{
    if (is_refused(h, size_bytes)) {
        return false;
    }
    // relaxed: a figure
    atomic_fetch_add_explicit(&h->beside_bytes, size_bytes, memory_order_relaxed);
    make_room(h);
    return true;
}

void lg__heap_discharge(struct heap *h, size_t size_bytes)
{
    // relaxed: a figure
    atomic_fetch_sub_explicit(&h->beside_bytes, size_bytes, memory_order_relaxed);
}

// ---------------------------------------------------------------------------
// Spans, taken and given back
// ---------------------------------------------------------------------------

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
    struct span *s = lg__pages_record_locked(h, arena, HEADER_PAGES);
    span_init(s, (char *)arena + (size_t)HEADER_PAGES * PAGE_BYTES, npages, kind);
    lg__pages_lead_to_locked(h, arena, HEADER_PAGES, SPAN_PAGES_MAX, HEADER_PAGES);
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
    struct span *s = is_refused(h, npages << PAGE_SHIFT) ? NULL
                     : npages > SPAN_PAGES_MAX ? take_huge_locked(h, npages, kind)
                                               : take_locked(h, npages, kind);
    if (s) {
        count(&h->nspanned[kind], npages);
    }
    lg__unlock(&h->lock, RANK_HEAP);
    if (!s) {
        return LG_ENOMEM;
    }
    make_room(h);
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
        lg__pages_set_idle(arena, page, npages);
        count(&h->nidle, npages);
        lg__pages_lead_to_locked(h, arena, page, npages, SPAN_NONE);
        lg__pages_join_run_locked(h, arena, page, npages);
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
