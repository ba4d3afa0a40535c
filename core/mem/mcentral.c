// SPDX-License-Identifier: MIT
#include "mem/mcentral.h"

#include <string.h>

#include "lagoon.h"
#include "mem/guard.h"
#include "mem/mheap.h"

enum {
    BATCH_BYTES = 8 * 1024,
    BATCH_MIN = 2,
    BATCH_MAX = LG_SIZED(256, 3),
    SPAN_BLOCKS_MAX = 1024,
    UNUSED_MAX = LG_SIZED(1024, 1), // spans of a class
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
    c->batch = clamp(BATCH_BYTES / lg__class_bytes(class), BATCH_MIN, BATCH_MAX);
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
    if (!first) {
        return 0;
    }
    if (nfree <= n && !*list) { // the whole list as it is
        *list = first;
        s->free = NULL;
        return nfree;
    }
    n = n < nfree ? n : nfree;
    struct block *last = first;
    for (uint32_t i = 1; i < n; i++) {
        last = lg__block_next(last);
        LG_ASSERT(last);
    }
    s->free = lg__block_next(last);
    lg__block_link(last, *list);
    *list = first;
    return n;
}

// Links the free blocks in the order of their addresses.
static void sort_free(struct span *s)
{
    uint64_t is_free[SPAN_BLOCKS_MAX / 64] = {0};
    for (struct block *block = s->free; block; block = lg__block_next(block)) {
        uint32_t index = lg__span_index(s, block);
        is_free[index / 64] |= (uint64_t)1 << (index % 64);
    }
    struct block *list = NULL;
    for (uint32_t i = (s->nelems + 63) / 64; i-- > 0;) {
        for (uint64_t bits = is_free[i]; bits;) {
            uint32_t bit = 63 - (uint32_t)__builtin_clzll(bits);
            bits &= ~((uint64_t)1 << bit);
            struct block *block =
                (struct block *)(void *)(s->start + (i * 64 + bit) * s->elem_bytes);
            lg__block_link(block, list);
            list = block;
        }
    }
    s->free = list;
    s->is_mixed = false;
}

static uint32_t take_locked(struct mcentral *c, struct span *s, uint32_t n,
                            struct block **list) LG_REQUIRES(c->lock)
{
    if (s->is_mixed) {
        sort_free(s);
    }
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
// Lists
// ---------------------------------------------------------------------------

LG_INLINE struct span *span_of_node(struct node *node)
{
    return LG_CONTAINER_OF(node, struct span, node);
}

static size_t figure(_Atomic size_t *value)
{
    // relaxed: a figure
    return atomic_load_explicit(value, memory_order_relaxed);
}

static struct span *pop_unused_locked(struct mcentral *c) LG_REQUIRES(c->lock)
{
    struct node *node = lg__list_pop_front(&c->unused);
    if (!node) {
        return NULL;
    }
    count(&c->nunused, 0 - (size_t)1);
    size_t left = figure(&c->nunused);
    c->least_unused = left < c->least_unused ? left : c->least_unused;
    return span_of_node(node);
}

// A span with a free block: one in use, or an unused one.
static struct span *some_span_locked(struct mcentral *c) LG_REQUIRES(c->lock)
{
    if (!lg__list_is_empty(&c->spans)) {
        return span_of_node(c->spans.first);
    }
    struct span *s = pop_unused_locked(c);
    if (s) {
        lg__list_push_back(&c->spans, &s->node);
    }
    return s;
}

// Whole lists of spans, until there is an eighth of a batch: to join more would mean to
// walk through them.
static uint32_t get_locked(struct mcentral *c, struct block **out) LG_REQUIRES(c->lock)
{
    uint32_t got = 0;
    while (got < c->batch / 8 + 1) {
        struct span *s = some_span_locked(c);
        if (!s) {
            break;
        }
        got += take_locked(c, s, c->batch - got, out);
    }
    return got;
}

// Blocks of a new span. Others may have brought some meanwhile; no matter.
static uint32_t get_new(struct heap *h, uint32_t class, struct block **out)
{
    struct mcentral *c = &h->centrals[class];
    lg__heap_reclaim(h, lg__class_npages(class));
    struct span *s = span_new(h, class);
    if (!s) {
        return 0;
    }
    lg__lock(&c->lock, RANK_CENTRAL);
    count(&c->nspans, 1);
    lg__list_push_front(&c->spans, &s->node);
    uint32_t got = take_locked(c, s, c->batch, out);
    lg__unlock(&c->lock, RANK_CENTRAL);
    return got;
}

uint32_t lg__mcentral_get(struct heap *h, uint32_t class, struct block **out)
{
    struct mcentral *c = &h->centrals[class];
    struct block *blocks = NULL;
    lg__lock(&c->lock, RANK_CENTRAL);
    uint32_t got = get_locked(c, &blocks);
    lg__unlock(&c->lock, RANK_CENTRAL);
    if (LG_UNLIKELY(got == 0)) {
        got = get_new(h, class, &blocks);
    }
    *out = blocks;
    return got;
}

// A span has n blocks back. Without any out, it is unused from now on.
static void return_locked(struct mcentral *c, struct span *s, uint32_t n)
    LG_REQUIRES(c->lock)
{
    if (s->nused == s->nelems) {
        lg__list_push_front(&c->spans, &s->node);
    }
    s->nused -= n;
    count(&c->nout, 0 - (size_t)n);
    if (s->nused == 0) {
        lg__list_remove(&c->spans, &s->node);
        lg__list_push_front(&c->unused, &s->node);
        count(&c->nunused, 1);
    }
}

static void put_locked(struct mcentral *c, struct block *blocks) LG_REQUIRES(c->lock)
{
    while (blocks) {
        // Blocks of one span that follow each other are linked already.
        struct span *s = lg__span_of(blocks);
        size_t span_bytes = lg__span_bytes(s);
        struct block *last = blocks;
        struct block *next = lg__block_next(last);
        uint32_t n = 1;
        bool is_mixed = s->is_mixed;
        while ((uintptr_t)next - (uintptr_t)s->start < span_bytes) {
            is_mixed |= next > last;
            last = next;
            next = lg__block_next(last);
            n++;
        }
        s->is_mixed = is_mixed | (s->free > last);
        lg__block_link(last, s->free);
        s->free = blocks;
        return_locked(c, s, n);
        blocks = next;
    }
}

// Gives up to n unused spans back.
static void give_back(struct heap *h, uint32_t class, size_t n)
{
    struct mcentral *c = &h->centrals[class];
    while (n-- > 0) {
        lg__lock(&c->lock, RANK_CENTRAL);
        struct span *s = pop_unused_locked(c);
        if (s) {
            count(&c->nspans, 0 - (size_t)1);
        }
        lg__unlock(&c->lock, RANK_CENTRAL);
        if (!s) {
            return;
        }
        span_free(h, s);
    }
}

void lg__mcentral_put(struct heap *h, uint32_t class, struct block *blocks)
{
    struct mcentral *c = &h->centrals[class];
    lg__lock(&c->lock, RANK_CENTRAL);
    put_locked(c, blocks);
    size_t nunused = figure(&c->nunused);
    size_t surplus = nunused > UNUSED_MAX ? nunused - UNUSED_MAX : 0;
    lg__unlock(&c->lock, RANK_CENTRAL);
    if (LG_UNLIKELY(surplus > 0)) {
        give_back(h, class, surplus);
    }
}

bool lg__mcentral_trim(struct heap *h, uint32_t class)
{
    struct mcentral *c = &h->centrals[class];
    lg__lock(&c->lock, RANK_CENTRAL);
    size_t surplus = c->least_unused;
    lg__unlock(&c->lock, RANK_CENTRAL);
    give_back(h, class, surplus);
    lg__lock(&c->lock, RANK_CENTRAL);
    c->least_unused = figure(&c->nunused);
    bool has_more = c->least_unused > 0;
    lg__unlock(&c->lock, RANK_CENTRAL);
    return has_more;
}

void lg__mcentral_empty(struct heap *h, uint32_t class)
{
    give_back(h, class, SIZE_MAX);
}

void lg__heap_reclaim(struct heap *h, size_t npages)
{
    if (LG_LIKELY(figure(&h->nidle) >= npages)) {
        return;
    }
    for (uint32_t class = 1; class < NCLASSES; class ++) {
        if (figure(&h->centrals[class].nunused) > 0) {
            lg__mcentral_empty(h, class);
        }
    }
}
