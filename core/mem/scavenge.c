// SPDX-License-Identifier: MIT
#include "mem/scavenge.h"

#include <string.h>

#include "mem/pages.h"
#include "os/vm.h"

enum {
    RESERVE_PAGES = LG_SIZED(512, 4), // 4 MB
    RESERVE_SHARE = 10,               // or this part of what is in spans
    TRIM_MIN_PAGES = 128,
    TRIM_MAX_PAGES = 4096, // 32 MB a call
};

static size_t figure(_Atomic size_t *value)
{
    // relaxed: a figure
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void add(_Atomic size_t *value, size_t delta)
{
    // relaxed: a figure, written with the lock
    atomic_store_explicit(value, figure(value) + delta, memory_order_relaxed);
}

// A free run that is out of the heap for a moment, and which of its pages are idle.
struct taken_run {
    struct arena *arena;
    uint32_t page;
    size_t npages;
    uint64_t idle[ARENA_PAGES / 64];
};

// The free run that an idle page is in: the nearest page before it that leads to a
// record is the run's first.
static struct span *run_of(struct arena *arena, uint32_t page)
{
    // relaxed: our lock
    while (atomic_load_explicit(&arena->first[page], memory_order_relaxed) != page) {
        page--;
    }
    return &arena->spans[page];
}

// Takes the run of an idle page out. Returns how many of its pages are idle; they count
// as released already, and nobody else sees them meanwhile.
static size_t take_run_locked(struct heap *h, struct arena *arena, uint32_t page,
                              struct taken_run *out) LG_REQUIRES(h->lock)
{
    struct span *s = run_of(arena, page);
    LG_ASSERT(s->is_free);
    out->arena = arena;
    out->page = (uint32_t)(s - arena->spans);
    out->npages = s->npages;
    memcpy(out->idle, arena->idle, sizeof out->idle);
    lg__pages_remove_run_locked(h, arena, s);
    size_t n = lg__pages_clear_idle(arena, out->page, out->npages);
    add(&h->nidle, 0 - n);
    add(&h->nreleased, n);
    return n;
}

static bool is_idle(const struct taken_run *run, size_t page)
{
    return page < run->page + run->npages && ((run->idle[page / 64] >> (page % 64)) & 1);
}

static void discard(const struct taken_run *run)
{
    size_t page = run->page;
    while (page < run->page + run->npages) {
        size_t end = page;
        while (is_idle(run, end)) {
            end++;
        }
        if (end > page) {
            lg__vm_discard((char *)run->arena + (page << PAGE_SHIFT), (end - page)
                                                                          << PAGE_SHIFT);
        }
        page = end + 1;
    }
}

// The first idle page of an arena from a page on; ARENA_PAGES: none.
static uint32_t next_idle(const struct arena *arena, uint32_t page)
{
    for (uint32_t i = page / 64; i < ARENA_PAGES / 64; i++) {
        uint64_t bits = arena->idle[i];
        if (i == page / 64) {
            bits &= ~(uint64_t)0 << (page % 64);
        }
        if (bits) {
            return i * 64 + (uint32_t)__builtin_ctzll(bits);
        }
    }
    return ARENA_PAGES;
}

// Any free run with idle pages.
static size_t take_any_locked(struct heap *h, struct taken_run *out) LG_REQUIRES(h->lock)
{
    if (figure(&h->nidle) == 0) {
        return 0;
    }
    for (struct arena *arena = h->arenas; arena; arena = arena->next) {
        uint32_t page = next_idle(arena, HEADER_PAGES);
        if (page < ARENA_PAGES) {
            return take_run_locked(h, arena, page, out);
        }
    }
    return 0;
}

size_t lg__heap_release(struct heap *h, size_t npages)
{
    size_t done = 0;
    while (done < npages) {
        struct taken_run run;
        lg__lock(&h->lock, RANK_HEAP);
        size_t n = take_any_locked(h, &run);
        lg__unlock(&h->lock, RANK_HEAP);
        if (n == 0) {
            break;
        }
        discard(&run);
        lg__lock(&h->lock, RANK_HEAP);
        lg__pages_join_run_locked(h, run.arena, run.page, run.npages);
        lg__unlock(&h->lock, RANK_HEAP);
        done += n;
    }
    return done;
}

static bool trim_classes(struct heap *h)
{
    bool has_more = false;
    for (uint32_t class = 1; class < NCLASSES; class ++) {
        if (figure(&h->centrals[class].nunused) > 0) {
            has_more |= lg__mcentral_trim(h, class);
        }
    }
    return has_more;
}

bool lg__heap_trim(struct heap *h)
{
    bool has_more = trim_classes(h);
    size_t spanned =
        figure(&h->nspanned[SPAN_EXPLICIT]) + figure(&h->nspanned[SPAN_COLLECTED]);
    size_t share = spanned / RESERVE_SHARE;
    size_t reserve = share > RESERVE_PAGES ? share : RESERVE_PAGES;
    lg__lock(&h->lock, RANK_HEAP);
    size_t surplus = h->least_idle > reserve ? h->least_idle - reserve : 0;
    lg__unlock(&h->lock, RANK_HEAP);
    if (surplus > TRIM_MIN_PAGES) {
        surplus = surplus / 2 > TRIM_MIN_PAGES ? surplus / 2 : TRIM_MIN_PAGES;
    }
    lg__heap_release(h, surplus < TRIM_MAX_PAGES ? surplus : TRIM_MAX_PAGES);
    lg__lock(&h->lock, RANK_HEAP);
    h->least_idle = figure(&h->nidle);
    has_more |= h->least_idle > reserve;
    lg__unlock(&h->lock, RANK_HEAP);
    return has_more;
}

void lg__heap_empty_caches(struct heap *h)
{
    lg__lock(&h->outside_lock, RANK_OUTSIDE);
    lg__mcache_flush(&h->outside);
    lg__unlock(&h->outside_lock, RANK_OUTSIDE);
    for (uint32_t class = 1; class < NCLASSES; class ++) {
        lg__mcentral_empty(h, class);
    }
}
