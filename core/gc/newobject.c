// SPDX-License-Identifier: MIT
//
// Making objects. A P claims the free slots of a span hole by hole and then bumps
// through a hole without telling anybody: when the slots were claimed they were
// zeroed and got their mark bytes. Zeroing them together is cheaper than one by
// one, and what they are is known before the first is used.
#include "gc/newobject.h"

#include <string.h>

#include "gc/gc.h"
#include "gc/scarce.h"
#include "gc/sweep.h"
#include "mem/poison.h"
#include "os/suspend.h"
#include "sched/world.h"

enum {
    // Zeroed at a time: it stays in the first-level cache until it is used.
    HOLE_BYTES_MAX = LG_SIZED(4096, 64),
    TINY_BLOCK = 16,
    TYPE_WORD = sizeof(struct lg_type *),
};

// ---------------------------------------------------------------------------
// Holes
// ---------------------------------------------------------------------------

// How many of the slots from `from` on, at most max, are free, or are taken.
static uint32_t run_of(const struct span *s, uint32_t from, uint32_t max, bool is_free)
{
    _Atomic(uint8_t) *marks = lg__mark_of(s->start);
    size_t offset = from * s->elem_bytes;
    uint32_t count = 0;
    // relaxed: nobody but us makes a slot of an active span free or taken
    while (count < max && (atomic_load_explicit(&marks[offset / GRANULE_BYTES],
                                                memory_order_relaxed) == 0) == is_free) {
        count++;
        offset += s->elem_bytes;
    }
    return count;
}

// The next run of free slots, of at most HOLE_BYTES_MAX. False: none is left.
static bool find_hole(const struct span *s, uint32_t from, uint32_t *out_first,
                      uint32_t *out_count)
{
    uint32_t first = from + run_of(s, from, s->nelems - from, false);
    if (first == s->nelems) {
        return false;
    }
    uint32_t max = (uint32_t)(HOLE_BYTES_MAX / s->elem_bytes);
    max = max < 1 ? 1 : max < s->nelems - first ? max : s->nelems - first;
    *out_first = first;
    *out_count = run_of(s, first, max, true);
    return true;
}

// release, after the memory was zeroed: pairs with the acquire in mark.c; who
// follows a stray pointer to the slot reads zeroes there
static void set_marks(const char *at, const char *end, size_t elem_bytes, uint8_t epoch)
{
    _Atomic(uint8_t) *marks = lg__arena_of(at)->marks;
    for (uintptr_t offset = (uintptr_t)at & ARENA_MASK; at < end; at += elem_bytes) {
        atomic_store_explicit(&marks[offset / GRANULE_BYTES], lg__mark_byte(epoch, at),
                              memory_order_release);
        offset += elem_bytes;
    }
}

static void claim(struct gc *gc, struct gc_p *gp, struct hole *hole, uint32_t first,
                  uint32_t count)
{
    struct span *s = hole->span;
    char *at = s->start + first * s->elem_bytes;
    size_t bytes = count * s->elem_bytes;
    lg__unpoison(at, bytes);
    if (s->needs_zero) {
        memset(at, 0, bytes);
    }
    set_marks(at, at + bytes, s->elem_bytes, lg__gc_epoch(gc));
    hole->at = at;
    hole->end = at + bytes;
    hole->next = first + count;
    lg__family_count(s->family, count, s->elem_bytes);
    lg__pace_claimed(gc, gp, count, bytes);
}

// Finds the next hole. False: no memory.
static bool refill(struct gc *gc, struct gc_p *gp, struct hole *hole, struct gc_family *f)
{
    for (;;) {
        if (!hole->span) {
            hole->span = lg__family_take(f);
            hole->next = 0;
            if (!hole->span) {
                return false;
            }
        }
        uint32_t first;
        uint32_t count;
        if (find_hole(hole->span, hole->next, &first, &count)) {
            claim(gc, gp, hole, first, count);
            return true;
        }
        lg__family_put(f, hole->span, false);
        hole->span = NULL;
    }
}

// What is left of a hole is black in a new epoch: it has no white object.
static void blacken(void *ud, struct gc_p *gp, struct hole *hole)
{
    (void)ud;
    struct gc *gc = gp->gc;
    if (hole->span) {
        set_marks(hole->at, hole->end, hole->span->elem_bytes, lg__gc_epoch(gc));
        lg__pace_blackened(&gc->pace, (size_t)(hole->end - hole->at));
    }
}

// Gives a hole up: what is left of it is free again.
static void give_up(void *ud, struct gc_p *gp, struct hole *hole)
{
    (void)ud;
    struct span *s = hole->span;
    if (!s) {
        return;
    }
    size_t rest = (size_t)(hole->end - hole->at);
    for (char *at = hole->at; at < hole->end; at += s->elem_bytes) {
        // relaxed: the world is stopped
        atomic_store_explicit(lg__mark_of(at), 0, memory_order_relaxed);
    }
    uint32_t nrest = (uint32_t)(rest / s->elem_bytes);
    lg__family_count(s->family, -(int64_t)nrest, s->elem_bytes);
    lg__pace_unclaimed(gp, nrest, rest);
    s->needs_zero = true;
    lg__family_put(s->family, s, true);
    *hole = (struct hole){0};
}

typedef void hole_fn(void *ud, struct gc_p *gp, struct hole *hole);

static void each_hole(struct gc_p *gp, hole_fn *fn, void *ud)
{
    for (uint32_t i = 0; i < GC_TYPES_INLINE; i++) {
        fn(ud, gp, &gp->typed[i]);
    }
    for (uint32_t i = 0; i < gp->nmore_typed; i++) {
        fn(ud, gp, &gp->more_typed[i]);
    }
    for (int i = 0; i < NCLASSES * NFAMILY_KINDS; i++) {
        fn(ud, gp, &gp->sized[i / NFAMILY_KINDS][i % NFAMILY_KINDS]);
    }
}

void lg__holes_blacken(struct gc_p *gp)
{
    gp->tiny = NULL; // its block is white
    gp->tiny_end = NULL;
    each_hole(gp, blacken, NULL);
}

void lg__holes_give_up(struct gc_p *gp)
{
    gp->tiny = NULL;
    gp->tiny_end = NULL;
    each_hole(gp, give_up, NULL);
}

struct span_visit {
    void (*fn)(void *ud, struct span *s);
    void *ud;
};

static void visit_span(void *ud, struct gc_p *gp, struct hole *hole)
{
    (void)gp;
    struct span_visit *visit = ud;
    if (hole->span) {
        visit->fn(visit->ud, hole->span);
    }
}

void lg__holes_each_span(struct gc_p *gp, void (*fn)(void *ud, struct span *s), void *ud)
{
    struct span_visit visit = {.fn = fn, .ud = ud};
    each_hole(gp, visit_span, &visit);
}

// ---------------------------------------------------------------------------
// The way in: from here on the collector's structures of this P are ours, until
// leave(). No signal stops the thread in between.
// ---------------------------------------------------------------------------

// NULL: no memory for the P's share of the collector.
static struct gc_p *enter(struct gc *gc, size_t size_bytes)
{
    struct m *m = lg__m();
    LG_MISUSE_IF(!m || !m->p, "an object is made outside a goroutine");
    LG_MISUSE_IF(m->rt != gc->rt, "an object of another runtime's type");
    lg__pace_before(gc, size_bytes);
    lg__nostop_enter();
    return lg__gc_p(lg__m());
}

static void leave(void)
{
    lg__nostop_leave();
}

// ---------------------------------------------------------------------------
// Objects
// ---------------------------------------------------------------------------

// The hole of a type; NULL: no memory for the table.
static struct hole *hole_of(struct gc_p *gp, uint32_t id)
{
    if (id < GC_TYPES_INLINE) {
        return &gp->typed[id];
    }
    uint32_t at = id - GC_TYPES_INLINE;
    if (at >= gp->nmore_typed) {
        const struct alloc *alloc = &gp->gc->rt->alloc;
        uint32_t count = at + at / 2 + 8;
        struct hole *more = lg__alloc_new(alloc, count * sizeof *more);
        if (!more) {
            return NULL;
        }
        if (gp->more_typed) {
            memcpy(more, gp->more_typed, gp->nmore_typed * sizeof *more);
            lg__alloc_free(alloc, gp->more_typed, gp->nmore_typed * sizeof *more);
        }
        gp->more_typed = more;
        gp->nmore_typed = count;
    }
    return &gp->more_typed[at];
}

static void *take(struct hole *hole, size_t elem_bytes)
{
    void *object = hole->at;
    hole->at += elem_bytes;
    return object;
}

static void *try_new_typed(struct lg_type *type)
{
    struct gc *gc = type->gc;
    struct gc_p *gp = enter(gc, HOLE_BYTES_MAX);
    struct hole *hole = gp ? hole_of(gp, type->id) : NULL;
    struct gc_family *f = hole ? lg__family_of_type(gc, type) : NULL;
    void *object = NULL;
    if (f && (hole->at < hole->end || refill(gc, gp, hole, f))) {
        object = take(hole, f->elem_bytes);
    }
    leave();
    return object;
}

static LG_NOINLINE void *new_typed_slow(struct lg_type *type)
{
    void *object = try_new_typed(type);
    return object || !lg__gc_scarce(type->gc) ? object : try_new_typed(type);
}

static void *new_large(struct gc *gc, struct gc_p *gp, enum family_kind kind,
                       struct lg_type *type, size_t size_bytes)
{
    size_t npages = (size_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    struct gc_family *f = &gc->families.sized[0][kind];
    struct span *s = lg__family_new_large(f, npages, type);
    if (!s) {
        return NULL;
    }
    lg__unpoison(s->start, s->elem_bytes);
    if (s->needs_zero) {
        memset(s->start, 0, s->elem_bytes);
    }
    set_marks(s->start, s->start + 1, s->elem_bytes, lg__gc_epoch(gc));
    lg__family_count(f, 1, s->elem_bytes);
    lg__pace_claimed(gc, gp, 1, s->elem_bytes);
    lg__family_put(f, s, false);
    return s->start;
}

static void *new_sized(struct gc *gc, struct gc_p *gp, enum family_kind kind,
                       struct lg_type *type, size_t size_bytes)
{
    size_t slot_bytes = size_bytes + (kind == FAMILY_BYTES ? 0 : TYPE_WORD);
    uint32_t size_class = lg__class_of(slot_bytes < TINY_BLOCK ? TINY_BLOCK : slot_bytes);
    if (size_class == 0) {
        return new_large(gc, gp, kind, type, size_bytes);
    }
    struct gc_family *f = &gc->families.sized[size_class][kind];
    struct hole *hole = &gp->sized[size_class][kind];
    if (hole->at == hole->end && !refill(gc, gp, hole, f)) {
        return NULL;
    }
    char *object = take(hole, f->elem_bytes);
    if (kind != FAMILY_BYTES) {
        // release: pairs with the acquire in mark.c; it may be read at any moment
        __atomic_store_n((struct lg_type **)(void *)(object + f->elem_bytes - TYPE_WORD),
                         type, __ATOMIC_RELEASE);
    }
    return object;
}

// The caller holds the lock that outside_p belongs to.
void *lg__gc_new_outside(struct gc *gc, struct lg_type *type, size_t n)
{
    size_t size_bytes;
    if (__builtin_mul_overflow(type->size_bytes, n, &size_bytes) ||
        size_bytes > HEAP_OBJECT_MAX) {
        return NULL;
    }
    enum family_kind kind = type->has_refs ? FAMILY_REFS : FAMILY_PLAIN;
    return new_sized(gc, &gc->outside_p, kind, type, size_bytes);
}

static void *try_new_value(struct lg_type *type, size_t size_bytes)
{
    struct gc_p *gp = enter(type->gc, size_bytes);
    enum family_kind kind = type->has_refs ? FAMILY_REFS : FAMILY_PLAIN;
    void *object = gp ? new_sized(type->gc, gp, kind, type, size_bytes) : NULL;
    leave();
    return object;
}

void *lg__new_value(struct lg_type *type, size_t n)
{
    struct gc *gc = type->gc;
    size_t size_bytes;
    if (__builtin_mul_overflow(type->size_bytes, n, &size_bytes) ||
        size_bytes > HEAP_OBJECT_MAX) {
        return NULL;
    }
    void *object = try_new_value(type, size_bytes);
    return object || !lg__gc_scarce(gc) ? object : try_new_value(type, size_bytes);
}

LG_NOSTOP void *lg_new(lg_type *type)
{
    struct m *m = lg__m();
    if (LG_LIKELY(m && m->p && type->id < GC_TYPES_INLINE)) {
        struct gc_p *gp = m->p->gc;
        if (LG_LIKELY(gp && gp->gc == type->gc)) {
            struct hole *hole = &gp->typed[type->id];
            char *object = hole->at;
            if (LG_LIKELY(object < hole->end)) {
                hole->at = object + type->typed_elem_bytes;
                return object;
            }
        }
    }
    return type->size_bytes <= GC_TYPED_MAX ? new_typed_slow(type)
                                            : lg__new_value(type, 1);
}

void *lg_new_array(lg_type *type, size_t n)
{
    return lg__new_value(type, n);
}

// Several of less than 16 bytes share a block, which lives as long as any of them.
static void *new_tiny(struct gc *gc, struct gc_p *gp, size_t size_bytes)
{
    size_t align = size_bytes > 4 ? 8 : size_bytes > 2 ? 4 : size_bytes;
    char *at = (char *)(((uintptr_t)gp->tiny + align - 1) & ~(uintptr_t)(align - 1));
    if (!gp->tiny || at + size_bytes > gp->tiny_end) {
        at = new_sized(gc, gp, FAMILY_BYTES, NULL, TINY_BLOCK);
        if (!at) {
            return NULL;
        }
        gp->tiny_end = at + TINY_BLOCK;
    }
    gp->tiny = at + size_bytes;
    return at;
}

static void *try_new_bytes(struct gc *gc, size_t size)
{
    struct gc_p *gp = enter(gc, size);
    void *object = !gp ? NULL
                   : size < TINY_BLOCK && size > 0
                       ? new_tiny(gc, gp, size)
                       : new_sized(gc, gp, FAMILY_BYTES, NULL, size);
    leave();
    return object;
}

void *lg_new_bytes(lg_runtime *rt, size_t size)
{
    struct gc *gc = lg__gc(rt);
    if (size > HEAP_OBJECT_MAX) {
        return NULL;
    }
    void *object = try_new_bytes(gc, size);
    return object || !lg__gc_scarce(gc) ? object : try_new_bytes(gc, size);
}
