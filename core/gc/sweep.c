// SPDX-License-Identifier: MIT
#include "gc/sweep.h"

#include <string.h>

#include "gc/gc.h"
#include "mem/poison.h"

#define EVERY_BYTE 0x0101010101010101ULL

struct tally {
    uint32_t alive;
    uint32_t freed;
};

// How many bytes of a word are 1, where all are 0 or 1: the product's highest byte is
// their sum.
static uint32_t count_bytes(uint64_t word)
{
    return (uint32_t)(word * EVERY_BYTE >> 56);
}

// Eight mark bytes at a time. Relaxed: nobody marks while spans are swept, and who
// asks whether an object is alive knows the rest (special.c).
static struct tally sweep_words(_Atomic(uint64_t) *words, size_t nwords, uint8_t epoch)
{
    struct tally tally = {0};
    for (size_t i = 0; i < nwords; i++) {
        uint64_t word = atomic_load_explicit(&words[i], memory_order_relaxed);
        if (word == 0) {
            continue;
        }
        uint64_t alive = word >> (epoch - 1) & EVERY_BYTE;
        uint64_t dead = word >> (2 - epoch) & EVERY_BYTE;
        tally.alive += count_bytes(alive);
        if (dead) {
            tally.freed += count_bytes(dead);
            atomic_store_explicit(&words[i], word & alive * 0xff, memory_order_relaxed);
        }
    }
    return tally;
}

static struct tally sweep_large(struct span *s, uint8_t epoch)
{
    _Atomic(uint8_t) *mark = lg__mark_of(s->start);
    if (atomic_load_explicit(mark, memory_order_relaxed) & epoch) {
        return (struct tally){.alive = 1};
    }
    atomic_store_explicit(mark, 0, memory_order_relaxed);
    return (struct tally){.freed = 1};
}

// Dead objects with a finalizer stay for it; weak references to others end.
static void sweep_specials(struct gc *gc, struct span *s, uint8_t epoch)
{
    for (uint32_t i = 0; i < s->nelems; i++) {
        char *object = s->start + i * s->elem_bytes;
        _Atomic(uint8_t) *mark = lg__mark_of(object);
        uint8_t byte = atomic_load_explicit(mark, memory_order_relaxed);
        if (byte != 0 && !(byte & epoch) &&
            lg__specials_sweep(&gc->specials, object) == SPECIAL_KEEP) {
            atomic_store_explicit(mark, lg__mark_byte(epoch, object),
                                  memory_order_relaxed);
        }
    }
}

#ifdef LG_CHECK
// Whoever still uses what was free'd shall notice. Not of a row of arenas: it goes
// back to the system at once, and whoever gets its addresses next finds no marks.
static void spoil_free(struct span *s)
{
    if (s->npages > SPAN_PAGES_MAX) {
        return;
    }
    for (uint32_t i = 0; i < s->nelems; i++) {
        char *object = s->start + i * s->elem_bytes;
        if (atomic_load_explicit(lg__mark_of(object), memory_order_relaxed) == 0) {
            lg__unpoison(object, s->elem_bytes);
            memset(object, 0xdb, s->elem_bytes);
            lg__poison(object, s->elem_bytes);
        }
    }
}
#endif

enum swept lg__span_sweep(struct gc *gc, struct span *s)
{
    uint8_t epoch = lg__gc_epoch(gc);
    if (lg__span_has_specials(s)) {
        sweep_specials(gc, s, epoch);
    }
    struct tally tally;
    if (s->nelems == 1) {
        tally = sweep_large(s, epoch);
    } else {
        _Atomic(uint64_t) *words = (_Atomic(uint64_t) *)(void *)lg__mark_of(s->start);
        size_t nwords = s->npages * PAGE_BYTES / GRANULE_BYTES / sizeof *words;
        tally = sweep_words(words, nwords, epoch);
    }
    if (tally.freed > 0) {
        s->needs_zero = true;
        lg__family_count(s->family, -(int64_t)tally.freed, s->elem_bytes);
        lg__pace_freed(&gc->pace, tally.freed, tally.freed * s->elem_bytes);
#ifdef LG_CHECK
        spoil_free(s);
#endif
    }
    // release: pairs with the acquire of who asks whether a white object of this
    // span is dead (special.c)
    atomic_store_explicit(
        &s->sweep_cycle, (uint32_t)atomic_load_explicit(&gc->cycle, memory_order_relaxed),
        memory_order_release);
    return tally.alive == 0          ? SWEPT_EMPTY
           : tally.alive < s->nelems ? SWEPT_PARTIAL
                                     : SWEPT_FULL;
}

bool lg__sweep_some(struct gc *gc)
{
    lg__lock(&gc->families.lock, RANK_FAMILIES);
    struct node *node = gc->families.all.first;
    lg__unlock(&gc->families.lock, RANK_FAMILIES);
    // Families are only ever appended; links of those before do not change.
    while (node) {
        if (lg__family_sweep_one(LG_CONTAINER_OF(node, struct gc_family, node))) {
            return true;
        }
        lg__lock(&gc->families.lock, RANK_FAMILIES);
        node = node->next;
        lg__unlock(&gc->families.lock, RANK_FAMILIES);
    }
    return false;
}
