// SPDX-License-Identifier: MIT
#include "mem/mcentral.h"

#include <string.h>

#include "lagoon.h"
#include "mem/guard.h"
#include "mem/mheap.h"

enum {
    BATCH_BYTES = 16 * 1024,
    BATCH_MIN = 2,
    BATCH_MAX = LG_SIZED(256, 3),
    DEPOT_BYTES = 2 * 1024 * 1024,
};

LG_INLINE void count(_Atomic size_t *figure, size_t delta)
{
    // relaxed: a figure, written with the lock
    size_t value = atomic_load_explicit(figure, memory_order_relaxed);
    atomic_store_explicit(figure, value + delta, memory_order_relaxed);
}

static uint32_t clamp(size_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : (uint32_t)value;
}

void lg__mcentral_init(struct mcentral *c, uint32_t class)
{
    size_t bytes = lg__class_bytes(class);
    c->batch = clamp(BATCH_BYTES / bytes, BATCH_MIN, BATCH_MAX);
    c->depot_cap = clamp(DEPOT_BYTES / (c->batch * bytes), 1, DEPOT_CAP);
}

// ---------------------------------------------------------------------------
// Spans
// ---------------------------------------------------------------------------

static struct span *span_new(struct heap *h, uint32_t class)
{
    struct span *s;
    if (lg__span_new(h, lg__class_npages(class), SPAN_EXPLICIT, &s) != LG_OK) {
        return NULL;
    }
    lg__span_cut(s, lg__class_bytes(class));
    s->size_class = (uint8_t) class;
    s->nfresh = s->nelems;
    if (lg__guard_span_init(h, s) != LG_OK) {
        lg__span_free(h, s);
        return NULL;
    }
    struct arena *arena = lg__arena_of(s);
    memset(&arena->classes[lg__arena_page(arena, s->start)], (int)class, s->npages);
    lg__span_publish(s);
    return s;
}

static void span_free(struct heap *h, struct span *s)
{
    struct arena *arena = lg__arena_of(s);
    memset(&arena->classes[lg__arena_page(arena, s->start)], 0, s->npages);
    lg__guard_span_fini(h, s);
    lg__span_free(h, s);
}

// Puts up to n blocks that have never been used in front of the list, in ascending
// order; returns how many.
static uint32_t take_fresh(struct span *s, uint32_t n, struct block **list)
{
    n = n < s->nfresh ? n : s->nfresh;
    char *end = s->start + (s->nelems - s->nfresh + n) * s->elem_bytes;
    s->nfresh -= n;
    struct block *next = *list;
    for (uint32_t i = 0; i < n; i++) {
        end -= s->elem_bytes;
        struct block *block = (struct block *)(void *)end;
        lg__guard_paint(block, s->elem_bytes);
        lg__block_link(block, next);
        next = block;
    }
    *list = next;
    return n;
}

// The same for blocks that have come back to the span.
static uint32_t take_used(struct span *s, uint32_t n, struct block **list)
{
    struct block *first = s->free;
    uint32_t nfree = s->nelems - s->nfresh - s->nused;
    if (nfree <= n && !*list) { // the whole list as it is
        *list = first;
        s->free = NULL;
        return nfree;
    }
    n = n < nfree ? n : nfree;
    struct block *last = first;
    for (uint32_t i = 1; i < n; i++) {
        last = lg__block_next(last);
    }
    if (n > 0) {
        s->free = lg__block_next(last);
        lg__block_link(last, *list);
        *list = first;
    }
    return n;
}

static uint32_t take_locked(struct mcentral *c, struct span *s, uint32_t n,
                            struct block **list) LG_REQUIRES(c->lock)
{
    uint32_t got = take_used(s, n, list);
    s->nused += got;
    if (got < n) {
        uint32_t fresh = take_fresh(s, n - got, list);
        s->nused += fresh;
        got += fresh;
    }
    if (s->nused == s->nelems) {
        lg__list_remove(&c->spans, &s->node);
    }
    count(&c->nout, got);
    return got;
}

// ---------------------------------------------------------------------------
// Batches
// ---------------------------------------------------------------------------

static struct block *pop_depot_locked(struct mcentral *c) LG_REQUIRES(c->lock)
{
    struct block *blocks = c->depot[--c->ndepot];
    if (c->ndepot < c->least_depot) {
        c->least_depot = c->ndepot;
    }
    count(&c->nwaiting, 0 - (size_t)c->batch);
    return blocks;
}

// From spans, until half a list is there: a whole one might mean a walk over many.
static uint32_t get_from_spans_locked(struct heap *h, uint32_t class, struct block **out)
    LG_REQUIRES(h->centrals[class].lock)
{
    struct mcentral *c = &h->centrals[class];
    uint32_t got = 0;
    while (got < c->batch / 2 + 1) {
        if (lg__list_is_empty(&c->spans)) {
            struct span *fresh = span_new(h, class);
            if (!fresh) {
                break;
            }
            lg__list_push_back(&c->spans, &fresh->node);
            count(&c->nspans, 1);
        }
        struct span *s = LG_CONTAINER_OF(c->spans.first, struct span, node);
        got += take_locked(c, s, c->batch - got, out);
    }
    return got;
}

uint32_t lg__mcentral_get(struct heap *h, uint32_t class, struct block **out)
{
    struct mcentral *c = &h->centrals[class];
    struct block *blocks = NULL;
    uint32_t got = c->batch;
    lg__lock(&c->lock, RANK_CENTRAL);
    if (c->ndepot > 0) {
        blocks = pop_depot_locked(c);
    } else {
        got = get_from_spans_locked(h, class, &blocks);
    }
    lg__unlock(&c->lock, RANK_CENTRAL);
    *out = blocks;
    return got;
}

// Returns each block to its span. Spans of which nothing is used any more are taken
// out, and returned as a list.
static struct node *put_locked(struct mcentral *c, struct block *blocks)
    LG_REQUIRES(c->lock)
{
    struct node *unused = NULL;
    size_t n = 0;
    while (blocks) {
        struct block *next = lg__block_next(blocks);
        struct span *s = lg__span_of(blocks);
        lg__block_link(blocks, s->free);
        s->free = blocks;
        if (s->nused-- == s->nelems) {
            lg__list_push_front(&c->spans, &s->node);
        }
        if (s->nused == 0) {
            lg__list_remove(&c->spans, &s->node);
            s->node.next = unused;
            unused = &s->node;
            count(&c->nspans, 0 - (size_t)1);
        }
        blocks = next;
        n++;
    }
    count(&c->nout, 0 - n);
    return unused;
}

static void free_spans(struct heap *h, struct node *unused)
{
    while (unused) {
        struct node *next = unused->next;
        span_free(h, LG_CONTAINER_OF(unused, struct span, node));
        unused = next;
    }
}

void lg__mcentral_put(struct heap *h, uint32_t class, struct block *blocks)
{
    struct mcentral *c = &h->centrals[class];
    lg__lock(&c->lock, RANK_CENTRAL);
    struct node *unused = put_locked(c, blocks);
    lg__unlock(&c->lock, RANK_CENTRAL);
    free_spans(h, unused);
}

void lg__mcentral_put_batch(struct heap *h, uint32_t class, struct block *blocks)
{
    struct mcentral *c = &h->centrals[class];
    struct node *unused = NULL;
    lg__lock(&c->lock, RANK_CENTRAL);
    if (c->ndepot < c->depot_cap) {
        c->depot[c->ndepot++] = blocks;
        count(&c->nwaiting, c->batch);
    } else {
        unused = put_locked(c, blocks);
    }
    lg__unlock(&c->lock, RANK_CENTRAL);
    free_spans(h, unused);
}

static void return_batches(struct heap *h, uint32_t class, bool is_all)
{
    struct mcentral *c = &h->centrals[class];
    struct block *blocks;
    struct node *unused;
    uint32_t n = UINT32_MAX;
    do {
        blocks = NULL;
        unused = NULL;
        lg__lock(&c->lock, RANK_CENTRAL);
        if (n == UINT32_MAX) {
            n = is_all ? c->ndepot : c->least_depot;
        }
        if (n > 0 && c->ndepot > 0) {
            n--;
            blocks = pop_depot_locked(c);
            unused = put_locked(c, blocks);
        }
        if (!blocks) {
            c->least_depot = c->ndepot;
        }
        lg__unlock(&c->lock, RANK_CENTRAL);
        free_spans(h, unused);
    } while (blocks);
}

void lg__mcentral_trim(struct heap *h, uint32_t class)
{
    return_batches(h, class, false);
}

void lg__mcentral_empty(struct heap *h, uint32_t class)
{
    return_batches(h, class, true);
}
