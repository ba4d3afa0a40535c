// SPDX-License-Identifier: MIT
#include "mem/arena.h"

#include <string.h>

#include "lagoon.h"
#include "mem/poison.h"
#include "os/vm.h"

enum { TOUCH_SHIFT = 12 }; // touched[] counts pieces of 4 KB

LG_INLINE void count(_Atomic size_t *figure, size_t delta)
{
    // relaxed: a figure, written with the lock
    size_t value = atomic_load_explicit(figure, memory_order_relaxed);
    atomic_store_explicit(figure, value + delta, memory_order_relaxed);
}

void lg__arena_touch_locked(struct heap *h, struct arena *arena, const void *ptr,
                            size_t size_bytes)
{
    size_t offset = (size_t)((const char *)ptr - (const char *)arena);
    size_t last = (offset + size_bytes - 1) >> TOUCH_SHIFT;
    for (size_t i = offset >> TOUCH_SHIFT; i <= last; i++) {
        uint64_t bit = (uint64_t)1 << (i % 64);
        if (!(arena->touched[i / 64] & bit)) {
            arena->touched[i / 64] |= bit;
            count(&h->header_bytes, (size_t)1 << TOUCH_SHIFT);
        }
    }
}

// What stops being touched when an arena's memory goes.
static void untouch_locked(struct heap *h, struct arena *arena) LG_REQUIRES(h->lock)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof arena->touched / sizeof arena->touched[0]; i++) {
        n += (size_t)__builtin_popcountll(arena->touched[i]);
    }
    count(&h->header_bytes, 0 - (n << TOUCH_SHIFT));
}

static void table_set(struct heap *h, struct arena *arena, uintptr_t entry)
{
    size_t index = (uintptr_t)arena >> ARENA_SHIFT;
    for (size_t i = 0; i < arena->narenas; i++) {
        // release: pairs with the acquire in lg__heap_find(); the header is filled
        atomic_store_explicit(&h->table[index + i], entry, memory_order_release);
    }
}

void lg__arena_show_locked(struct heap *h, struct arena *arena, uintptr_t tag)
{
    table_set(h, arena, (uintptr_t)arena | tag);
}

// A row without memory but for this record, which tells where and how long it is.
static struct arena *row_init(struct heap *h, void *mem, size_t narenas)
{
    struct arena *arena = mem;
    arena->heap = h;
    arena->narenas = narenas;
    return arena;
}

// The shortest row that stands by and is long enough, cut to length.
static struct arena *take_standby_locked(struct heap *h, size_t narenas)
    LG_REQUIRES(h->lock)
{
    struct arena **best = NULL;
    for (struct arena **at = &h->standby; *at; at = &(*at)->next) {
        size_t n = (*at)->narenas;
        if (n >= narenas && (!best || n < (*best)->narenas)) {
            best = at;
        }
    }
    if (!best) {
        return NULL;
    }
    struct arena *arena = *best;
    *best = arena->next;
    if (arena->narenas > narenas) {
        struct arena *rest =
            row_init(h, (char *)arena + narenas * ARENA_BYTES, arena->narenas - narenas);
        rest->next = arena->next;
        *best = rest;
        arena->narenas = narenas;
    }
    return arena;
}

struct arena *lg__arena_get_locked(struct heap *h, size_t narenas)
{
    struct arena *arena = take_standby_locked(h, narenas);
    if (!arena) {
        void *mem;
        if (narenas > ARENAS_MAX ||
            lg__vm_reserve_aligned(narenas * ARENA_BYTES, ARENA_BYTES, &mem) != LG_OK) {
            return NULL;
        }
        if (((uintptr_t)mem >> ARENA_SHIFT) + narenas > ARENAS_MAX) {
            lg__vm_free(mem, narenas * ARENA_BYTES);
            return NULL;
        }
        arena = row_init(h, mem, narenas);
    }
    arena->next = NULL;
    lg__refers_add(arena, narenas * ARENA_BYTES);
    lg__arena_touch_locked(h, arena, arena, offsetof(struct arena, first));
    return arena;
}

// Joins a row with the next in the list, if they touch.
static void join_next_locked(struct arena *arena)
{
    struct arena *next = arena->next;
    if (next && (char *)arena + arena->narenas * ARENA_BYTES == (char *)next) {
        arena->narenas += next->narenas;
        arena->next = next->next;
        lg__vm_discard(next, PAGE_BYTES);
    }
}

void lg__arena_put_locked(struct heap *h, struct arena *arena)
{
    size_t narenas = arena->narenas;
    table_set(h, arena, 0);
    untouch_locked(h, arena);
    lg__refers_remove(arena, narenas * ARENA_BYTES);
    lg__vm_discard(arena, narenas * ARENA_BYTES);
    row_init(h, arena, narenas);
    struct arena **at = &h->standby;
    struct arena *before = NULL;
    while (*at && *at < arena) {
        before = *at;
        at = &(*at)->next;
    }
    arena->next = *at;
    *at = arena;
    join_next_locked(arena);
    if (before) {
        join_next_locked(before);
    }
}

static void free_list(struct arena *arena)
{
    while (arena) {
        struct arena *next = arena->next;
        if (arena->narenas == 1) {
            lg__unpoison(arena, ARENA_BYTES); // of a row, nothing is ever poisoned
        }
        lg__vm_free(arena, arena->narenas * ARENA_BYTES);
        arena = next;
    }
}

void lg__arenas_free(struct heap *h)
{
    for (struct arena *arena = h->arenas; arena; arena = arena->next) {
        lg__refers_remove(arena, arena->narenas * ARENA_BYTES);
    }
    free_list(h->arenas);
    free_list(h->standby);
    h->arenas = NULL;
    h->standby = NULL;
}
