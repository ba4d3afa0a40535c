// SPDX-License-Identifier: MIT
#include "mem/mcentral.h"

#include <string.h>

#include "lagoon.h"
#include "mem/guard.h"
#include "mem/mheap.h"

enum {
    UNUSED_MAX = LG_SIZED(256, 1), // spans of a class
    LONG_SPAN_BYTES_MAX = 512,     // of a block
    LONG_SPAN_PAGES = 4,
};

LG_INLINE void count(_Atomic size_t *figure, size_t delta)
{
    // relaxed: a figure, written with the lock
    size_t value = atomic_load_explicit(figure, memory_order_relaxed);
    atomic_store_explicit(figure, value + delta, memory_order_relaxed);
}

// ---------------------------------------------------------------------------
// Spans
// ---------------------------------------------------------------------------

size_t lg__mcentral_npages(uint32_t class)
{
    size_t npages = lg__class_npages(class);
    size_t bytes = lg__class_bytes(class);
    while (npages > 0 && bytes <= LONG_SPAN_BYTES_MAX && npages < LONG_SPAN_PAGES &&
           2 * npages * PAGE_BYTES <= SPAN_BLOCKS_MAX * bytes) {
        npages *= 2;
    }
    return npages;
}

static struct span *span_new(struct heap *h, uint32_t class)
{
    struct span *s;
    if (lg__span_new(h, lg__mcentral_npages(class), SPAN_EXPLICIT, &s) != LG_OK) {
        return NULL;
    }
    lg__span_cut(s, lg__class_bytes(class));
    s->size_class = (uint8_t) class;
    if (lg__guard_span_init(h, s) != LG_OK) {
        lg__span_free(h, s);
        return NULL;
    }
    memset(s->is_free_block, 0xff, s->nelems / 64 * sizeof(uint64_t));
    if (s->nelems % 64 != 0) {
        s->is_free_block[s->nelems / 64] = ((uint64_t)1 << (s->nelems % 64)) - 1;
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

// Moves up to n free blocks, the first ones, below `end`, so that the first is the last.
// Returns where they begin.
static void **take_locked(struct mcentral *c, struct span *s, uint32_t n, void **end)
    LG_REQUIRES(c->lock)
{
    uint32_t nfree = s->nelems - s->nused;
    n = n < nfree ? n : nfree;
    s->nused += n;
    if (n == nfree) {
        lg__list_remove(&c->spans, &s->node);
    }
    count(&c->nout, n);
    void **begin = end - n;
    char *block = s->start;
    for (uint64_t *word = s->is_free_block; end > begin; word++) {
        uint64_t bits = *word;
        while (bits && end > begin) {
            *--end = block + (uint32_t)__builtin_ctzll(bits) * s->elem_bytes;
            bits &= bits - 1;
        }
        *word = bits;
        block += 64 * s->elem_bytes;
    }
    return begin;
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

// Fills the places from the last on; returns the first that is filled.
static void **get_locked(struct mcentral *c, void **out, void **end) LG_REQUIRES(c->lock)
{
    while (end > out) {
        struct span *s = some_span_locked(c);
        if (!s) {
            break;
        }
        end = take_locked(c, s, (uint32_t)(end - out), end);
    }
    return end;
}

// Blocks of a new span. Others may have brought some meanwhile; no matter.
static void **get_new(struct heap *h, uint32_t class, void **out, void **end)
{
    struct mcentral *c = &h->centrals[class];
    lg__heap_reclaim(h, lg__mcentral_npages(class));
    struct span *s = span_new(h, class);
    if (!s) {
        return end;
    }
    lg__lock(&c->lock, RANK_CENTRAL);
    count(&c->nspans, 1);
    lg__list_push_front(&c->spans, &s->node);
    void **begin = take_locked(c, s, (uint32_t)(end - out), end);
    lg__unlock(&c->lock, RANK_CENTRAL);
    return begin;
}

uint32_t lg__mcentral_get(struct heap *h, uint32_t class, void **out, uint32_t n)
{
    struct mcentral *c = &h->centrals[class];
    void **end = out + n;
    lg__lock(&c->lock, RANK_CENTRAL);
    void **begin = get_locked(c, out, end);
    lg__unlock(&c->lock, RANK_CENTRAL);
    if (LG_UNLIKELY(begin == end)) {
        begin = get_new(h, class, out, end);
    }
    uint32_t got = (uint32_t)(end - begin);
    if (begin > out) {
        memmove(out, begin, got * sizeof *out);
    }
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

static void set_free(struct span *s, const void *block)
{
    uint32_t index = lg__span_index(s, block);
    LG_ASSERT(!((s->is_free_block[index / 64] >> (index % 64)) & 1));
    s->is_free_block[index / 64] |= (uint64_t)1 << (index % 64);
}

static void put_locked(struct mcentral *c, void **blocks, uint32_t n) LG_REQUIRES(c->lock)
{
    for (uint32_t i = 0; i < n;) {
        struct span *s = lg__span_of(blocks[i]);
        uintptr_t start = (uintptr_t)s->start;
        size_t span_bytes = lg__span_bytes(s);
        uint32_t first = i;
        do {
            set_free(s, blocks[i]);
            i++;
        } while (i < n && (uintptr_t)blocks[i] - start < span_bytes);
        return_locked(c, s, i - first);
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

void lg__mcentral_put(struct heap *h, uint32_t class, void **blocks, uint32_t n)
{
    struct mcentral *c = &h->centrals[class];
    lg__lock(&c->lock, RANK_CENTRAL);
    put_locked(c, blocks, n);
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
