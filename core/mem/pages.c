// SPDX-License-Identifier: MIT
#include "mem/pages.h"

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

void lg__pages_lead_to_locked(struct heap *h, struct arena *arena, uint32_t page,
                              size_t npages, uint32_t first)
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

void lg__pages_set_idle(struct arena *arena, uint32_t page, size_t npages)
{
    uint32_t end = page + (uint32_t)npages;
    for (uint32_t i = page / 64; i <= (end - 1) / 64; i++) {
        arena->idle[i] |= word_mask(i, page, end);
    }
}

// Returns how many were set.
size_t lg__pages_clear_idle(struct arena *arena, uint32_t page, size_t npages)
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

struct span *lg__pages_record_locked(struct heap *h, struct arena *arena, uint32_t page)
{
    struct span *s = &arena->spans[page];
    lg__arena_touch_locked(h, arena, s, sizeof *s);
    return s;
}

// Makes pages that belong to nothing a free run. Its inner pages lead nowhere.
void lg__pages_add_run_locked(struct heap *h, struct arena *arena, uint32_t page,
                              size_t npages)
{
    struct span *s = lg__pages_record_locked(h, arena, page);
    s->start = (char *)arena + ((size_t)page << PAGE_SHIFT);
    s->npages = (uint32_t)npages;
    s->is_free = true;
    lg__pages_lead_to_locked(h, arena, page, 1, page);
    lg__pages_lead_to_locked(h, arena, page + (uint32_t)npages - 1, 1, page);
    lg__runs_add(&h->runs, s);
}

void lg__pages_remove_run_locked(struct heap *h, struct arena *arena, struct span *s)
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
void lg__pages_join_run_locked(struct heap *h, struct arena *arena, uint32_t page,
                               size_t npages)
{
    struct span *after = run_at(arena, page + (uint32_t)npages);
    if (after) {
        npages += after->npages;
        lg__pages_remove_run_locked(h, arena, after);
    }
    struct span *before = run_at(arena, page - 1);
    if (before) {
        page -= before->npages;
        npages += before->npages;
        lg__pages_remove_run_locked(h, arena, before);
    }
    lg__pages_add_run_locked(h, arena, page, npages);
}
