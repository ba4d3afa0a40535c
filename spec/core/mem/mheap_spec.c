// SPDX-License-Identifier: MIT
//
// The page heap against a model that knows of each page who has it.
#include "mem/mheap.h"

#include <stdio.h>

#include "mem/arena.h"
#include "os/vm.h"
#include "spec.h"

static struct heap heap;

static void open_heap(void)
{
    CHECK_OK(lg__heap_init(&heap));
}

static void close_heap(void)
{
    lg__heap_verify(&heap);
    lg__heap_fini(&heap);
}

static struct span *take(size_t npages, enum span_kind kind)
{
    struct span *s = NULL;
    CHECK_OK(lg__span_new(&heap, npages, kind, &s));
    CHECK_INT(s->npages, npages);
    lg__span_cut(s, lg__span_bytes(s));
    lg__span_publish(s);
    return s;
}

static struct span *take_explicit(size_t npages)
{
    return take(npages, SPAN_EXPLICIT);
}

static size_t figure(_Atomic size_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

// ---------------------------------------------------------------------------
// Fit
// ---------------------------------------------------------------------------

it("a span", "goes to the shortest free run that is long enough")
{
    open_heap();
    struct span *holes[4];
    struct span *walls[4];
    static const size_t lengths[4] = {300, 9, 5, 200};
    for (int i = 0; i < 4; i++) {
        holes[i] = take_explicit(lengths[i]);
        walls[i] = take_explicit(1);
    }
    for (int i = 0; i < 4; i++) {
        lg__span_free(&heap, holes[i]);
    }
    lg__heap_verify(&heap);
    CHECK(take_explicit(4) == holes[2]);
    CHECK(take_explicit(150) == holes[3]);
    CHECK(take_explicit(6) == holes[1]);
    CHECK(take_explicit(51) == holes[0]); // 50 pages are left of the other
    lg__span_free(&heap, walls[3]);
    close_heap();
}

it("free neighbours", "become one run, on either side and on both")
{
    open_heap();
    struct span *s[5];
    for (int i = 0; i < 5; i++) {
        s[i] = take_explicit(10);
    }
    lg__span_free(&heap, s[1]);
    lg__span_free(&heap, s[0]); // before
    lg__heap_verify(&heap);
    CHECK(take_explicit(20) == s[0]);
    lg__span_free(&heap, s[0]);
    lg__span_free(&heap, s[3]);
    lg__span_free(&heap, s[2]); // both
    lg__heap_verify(&heap);
    CHECK(take_explicit(40) == s[0]);
    lg__span_free(&heap, s[0]);
    lg__span_free(&heap, s[4]);
    CHECK_INT(figure(&heap.nidle), 50);
    CHECK_INT(figure(&heap.nreleased), SPAN_PAGES_MAX - 50);
    CHECK_INT(take_explicit(SPAN_PAGES_MAX)->npages, SPAN_PAGES_MAX);
    CHECK(heap.arenas->next == NULL);
    close_heap();
}

it("a span's memory", "is zero if it does not say that it may be dirty")
{
    open_heap();
    struct span *s = take_explicit(3);
    CHECK(!s->needs_zero);
    memset(s->start, 0xee, lg__span_bytes(s));
    lg__span_free(&heap, s);
    CHECK(take_explicit(1)->needs_zero);
    CHECK(take_explicit(5)->needs_zero); // two dirty ones, three new
    struct span *fresh = take_explicit(1);
    CHECK(!fresh->needs_zero);
    for (size_t i = 0; i < PAGE_BYTES; i++) {
        CHECK_INT(fresh->start[i], 0);
    }
    close_heap();
}

it("no pages and too many", "are told from each other")
{
    open_heap();
    struct span *s = NULL;
    CHECK_CODE(lg__span_new(&heap, SIZE_MAX >> PAGE_SHIFT, SPAN_EXPLICIT, &s), LG_ENOMEM);
    if (!spec_is_emulated()) { // qemu takes minutes over it
        int err = lg__span_new(&heap, UINT32_MAX, SPAN_COLLECTED, &s); // 32 TB
        CHECK(err == LG_OK || err == LG_ENOMEM);
    }
    close_heap();
}

// ---------------------------------------------------------------------------
// Address to span
// ---------------------------------------------------------------------------

it("any address", "leads to its span, and foreign ones to none")
{
    open_heap();
    struct span *a = take(1, SPAN_COLLECTED);
    struct span *b = take(700, SPAN_COLLECTED);
    struct span *c = take_explicit(2);
    CHECK(lg__heap_find(&heap, a->start) == a);
    CHECK(lg__heap_find(&heap, a->start + PAGE_BYTES - 1) == a);
    CHECK(lg__heap_find(&heap, b->start) == b);
    CHECK(lg__heap_find(&heap, b->start + lg__span_bytes(b) / 2) == b);
    CHECK(lg__heap_find(&heap, c->start + 1) == c);
    CHECK(lg__span_of(c->start) == c);
    CHECK(lg__heap_find(&heap, c->start + lg__span_bytes(c)) == NULL);
    CHECK(lg__heap_find(&heap, lg__arena_of(a)) == NULL);
    CHECK(lg__heap_find(&heap, NULL) == NULL);
    CHECK(lg__heap_find(&heap, &heap) == NULL);
    CHECK(lg__heap_find(&heap, (void *)UINTPTR_MAX) == NULL);
    CHECK(lg__heap_find(&heap, (void *)((uintptr_t)1 << 47)) == NULL);
    char *inside = b->start + PAGE_BYTES * 3;
    lg__span_free(&heap, b);
    CHECK(lg__heap_find(&heap, inside) == NULL);
    struct span *unpublished = NULL;
    CHECK_OK(lg__span_new(&heap, 1, SPAN_COLLECTED, &unpublished));
    CHECK(lg__heap_find(&heap, unpublished->start) == NULL);
    close_heap();
}

it("a span over several arenas", "is found at each of its pages, and goes whole")
{
    open_heap();
    size_t npages = 2 * ARENA_PAGES + 100;
    struct span *s = take(npages, SPAN_COLLECTED);
    CHECK(!s->needs_zero);
    for (size_t page = 0; page < npages; page += 99) {
        CHECK(lg__heap_find(&heap, s->start + page * PAGE_BYTES + 7) == s);
    }
    CHECK(lg__heap_find(&heap, s->start + lg__span_bytes(s) - 1) == s);
    CHECK(lg__heap_find(&heap, s->start + lg__span_bytes(s)) == NULL);
    memset(s->start, 1, PAGE_BYTES);
    lg__heap_verify(&heap);
    char *start = s->start;
    lg__span_free(&heap, s);
    CHECK(lg__heap_find(&heap, start) == NULL);
    CHECK(lg__heap_find(&heap, start + ARENA_BYTES) == NULL);
    lg__heap_verify(&heap);
    // Its address space serves again: first for a row, then for a single arena.
    CHECK_INT(take(npages, SPAN_EXPLICIT)->start[0], 0);
    s = lg__span_of(start);
    CHECK(s->start == start);
    CHECK(lg__heap_find(&heap, start) == NULL); // explicit ones are not
    lg__span_free(&heap, s);
    CHECK(take_explicit(1)->start == start);
    close_heap();
}

static void count_span(void *ud, struct span *s)
{
    size_t *npages = ud;
    npages[lg__span_kind(s)] += s->npages;
}

it("a walk over all spans", "sees those that are published")
{
    open_heap();
    struct span *a = take_explicit(3);
    take_explicit(4);
    take(5, SPAN_COLLECTED);
    take(ARENA_PAGES * 2, SPAN_COLLECTED);
    struct span *unpublished;
    CHECK_OK(lg__span_new(&heap, 1, SPAN_COLLECTED, &unpublished));
    lg__span_free(&heap, a);
    size_t npages[SPAN_COLLECTED + 1] = {0};
    lg__heap_each_span(&heap, count_span, npages);
    CHECK_INT(npages[SPAN_EXPLICIT], 4);
    CHECK_INT(npages[SPAN_COLLECTED], 5 + ARENA_PAGES * 2);
    close_heap();
}

// ---------------------------------------------------------------------------
// At random
// ---------------------------------------------------------------------------

enum { SPANS_MAX = 400 };

static struct span *taken[SPANS_MAX];
static uint64_t marks[SPANS_MAX];

static size_t random_length(struct spec_random *random)
{
    switch (spec_random_below(random, 8)) {
    case 0: return 1 + spec_random_below(random, 2000);
    case 1: return 1 + spec_random_below(random, 200);
    default: return 1 + spec_random_below(random, 12);
    }
}

// Both ends carry the mark: spans that overlap destroy it.
static void set_marks(struct span *s, uint64_t mark)
{
    memcpy(s->start, &mark, sizeof mark);
    memcpy(s->start + lg__span_bytes(s) - sizeof mark, &mark, sizeof mark);
}

static void check_marks(struct span *s, uint64_t mark)
{
    CHECK(memcmp(s->start, &mark, sizeof mark) == 0);
    CHECK(memcmp(s->start + lg__span_bytes(s) - sizeof mark, &mark, sizeof mark) == 0);
}

it("spans at random", "never overlap, and all pages come back", .limit_s = 60)
{
    open_heap();
    struct spec_random random = spec_random_new(1);
    int rounds = spec_rounds(100000);
    for (int round = 0; round < rounds; round++) {
        uint32_t i = spec_random_below(&random, SPANS_MAX);
        if (taken[i]) {
            check_marks(taken[i], marks[i]);
            CHECK(lg__heap_find(&heap, taken[i]->start + 9) == taken[i]);
            lg__span_free(&heap, taken[i]);
            taken[i] = NULL;
        } else {
            taken[i] = take(random_length(&random), SPAN_EXPLICIT);
            marks[i] = spec_random_next(&random);
            set_marks(taken[i], marks[i]);
        }
        if (round % 997 == 0) {
            lg__heap_verify(&heap);
        }
    }
    for (int i = 0; i < SPANS_MAX; i++) {
        if (taken[i]) {
            check_marks(taken[i], marks[i]);
            lg__span_free(&heap, taken[i]);
        }
    }
    lg__heap_verify(&heap);
    CHECK_INT(figure(&heap.nspanned[SPAN_EXPLICIT]), 0);
    CHECK(lg__runs_find(&heap.runs, SPAN_PAGES_MAX) != NULL); // all one again
    close_heap();
}

static size_t live[ARENA_PAGES]; // lengths of spans, by page; the model

static size_t model_best_fit(size_t npages)
{
    size_t best = SIZE_MAX;
    for (size_t page = HEADER_PAGES; page < ARENA_PAGES;) {
        if (live[page]) {
            page += live[page];
            continue;
        }
        size_t end = page;
        while (end < ARENA_PAGES && !live[end]) {
            end++;
        }
        size_t length = end - page;
        best = length >= npages && length < best ? length : best;
        page = end;
    }
    return best;
}

it("spans at random in one arena", "are as well placed as a model wants", .limit_s = 60)
{
    open_heap();
    struct spec_random random = spec_random_new(2);
    static struct span *spans[SPANS_MAX];
    int rounds = spec_rounds(20000);
    for (int round = 0; round < rounds; round++) {
        uint32_t i = spec_random_below(&random, SPANS_MAX);
        size_t npages = 1 + spec_random_below(&random, round % 5 ? 10 : 150);
        if (spans[i]) {
            live[spans[i] - lg__arena_of(spans[i])->spans] = 0;
            lg__span_free(&heap, spans[i]);
            spans[i] = NULL;
        } else if (model_best_fit(npages) != SIZE_MAX) {
            size_t want = model_best_fit(npages);
            struct span *run = heap.arenas ? lg__runs_find(&heap.runs, npages) : NULL;
            CHECK(!run || run->npages == want);
            spans[i] = take_explicit(npages);
            live[spans[i] - lg__arena_of(spans[i])->spans] = npages;
        }
    }
    CHECK(heap.arenas->next == NULL);
    close_heap();
}

// ---------------------------------------------------------------------------
// A million free runs; when memory is out
// ---------------------------------------------------------------------------

it("a heap in a million pieces", "is searched in a few steps", .limit_s = 60)
{
#ifdef LG_CHECK
    // Free runs of 7 to 30 pages, in the tree of this build, between used pages.
    open_heap();
    enum { PIECES = 100000 };
    int npieces = spec_has_tsan() ? PIECES / 10 : PIECES;
    static struct span *holes[PIECES];
    struct spec_random random = spec_random_new(3);
    for (int i = 0; i < npieces; i++) {
        holes[i] = take_explicit(7 + spec_random_below(&random, 24));
        take_explicit(1);
    }
    for (int i = 0; i < npieces; i++) {
        lg__span_free(&heap, holes[i]);
    }
    lg__heap_verify(&heap);
    uint64_t before = heap.runs.nsteps;
    enum { TIMES = 10000 };
    for (int i = 0; i < TIMES; i++) {
        struct span *s = take_explicit(1 + spec_random_below(&random, 30));
        lg__span_free(&heap, s);
    }
    // Two runs taken and two added each, in a tree about 2 * log2(n) deep.
    CHECK_BETWEEN((heap.runs.nsteps - before) / TIMES, 1, 5 * 50);
    close_heap();
#endif
}

it("a heap whose requests fail at the n-th", "says so and is as before")
{
#ifdef LG_CHECK
    for (int64_t n = 1; n <= 12; n++) {
        open_heap();
        lg__vm_fail_after(n, false);
        int nfailed = 0;
        struct span *s[10];
        for (int i = 0; i < 10; i++) {
            s[i] = NULL;
            int err = lg__span_new(&heap, i == 7 ? ARENA_PAGES : 5, SPAN_EXPLICIT, &s[i]);
            CHECK(err == LG_OK || err == LG_ENOMEM);
            CHECK((err == LG_OK) == (s[i] != NULL));
            nfailed += err != LG_OK;
            lg__heap_verify(&heap);
        }
        lg__vm_fail_after(0, false);
        CHECK_INT(nfailed, 1);
        for (int i = 0; i < 10; i++) {
            if (s[i]) {
                lg__span_free(&heap, s[i]);
            }
        }
        CHECK_INT(figure(&heap.nspanned[SPAN_EXPLICIT]), 0);
        close_heap();
    }
#endif
}
