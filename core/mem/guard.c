// SPDX-License-Identifier: MIT
#include "mem/guard.h"

#ifndef NDEBUG

#include <string.h>

#include "lagoon.h"
#include "mem/poison.h"

enum { PAINT = 0xdb };

// The sanitizer sees scratches by itself.
static void paint(void *ptr, size_t size_bytes)
{
#ifndef LG_HAS_ASAN
    memset(ptr, PAINT, size_bytes);
#endif
    lg__poison(ptr, size_bytes);
}

int lg__guard_span_init(struct heap *h, struct span *s)
{
    s->live = lg__fixed_get(&h->fixed, s->nelems);
    if (!s->live) {
        return LG_ENOMEM;
    }
    if (s->size_class != 0) {
        paint(s->start, lg__span_bytes(s));
    }
    return LG_OK;
}

void lg__guard_span_fini(struct heap *h, struct span *s)
{
    lg__fixed_put(&h->fixed, (void *)s->live, s->nelems);
    s->live = NULL;
}

static void check_paint(const void *ptr, size_t size_bytes)
{
#ifndef LG_HAS_ASAN
    const unsigned char *bytes = ptr;
    for (size_t i = 0; i < size_bytes; i++) {
        if (bytes[i] != PAINT) {
            lg__panic(
                "block %p of %zu bytes was written to at byte %zu after it was freed",
                ptr, size_bytes, i);
        }
    }
#else
    (void)ptr;
    (void)size_bytes;
#endif
}

void lg__guard_take(void *ptr)
{
    struct span *s = lg__span_of(ptr);
    lg__unpoison(ptr, s->elem_bytes);
    if (s->size_class != 0) {
        check_paint(ptr, s->elem_bytes);
    }
    // relaxed: who gets the pointer from us gets this with it
    atomic_store_explicit(&s->live[lg__span_index(s, ptr)], 1, memory_order_relaxed);
}

// The span of any pointer, also into large blocks that lg__heap_find() leaves out.
static struct span *find_span(struct heap *h, const void *ptr)
{
    uintptr_t index = (uintptr_t)ptr >> ARENA_SHIFT;
    // acquire: as in lg__heap_find()
    uintptr_t entry = index < ARENAS_MAX
                          ? atomic_load_explicit(&h->table[index], memory_order_acquire)
                          : 0;
    if (entry & ARENA_EXPLICIT) {
        return &((struct arena *)(entry - ARENA_EXPLICIT))->spans[HEADER_PAGES];
    }
    return lg__heap_find(h, ptr);
}

static struct span *checked_span(struct heap *h, const void *ptr, size_t size_bytes,
                                 const char *what)
{
    struct span *s = find_span(h, ptr);
    if (!s || lg__span_kind(s) != SPAN_EXPLICIT) {
        lg__panic("%s of %p: not the start of a live block of this runtime", what, ptr);
    }
    uint32_t index = lg__span_index(s, ptr);
    if (index >= s->nelems || (const char *)ptr != s->start + index * s->elem_bytes) {
        lg__panic("%s of %p: not the start of a live block, but inside of one", what,
                  ptr);
    }
    if (size_bytes != SIZE_MAX && lg__class_of_aligned(size_bytes) != s->size_class) {
        lg__panic("%s of %p: %zu bytes, but the block has %zu", what, ptr, size_bytes,
                  s->elem_bytes);
    }
    return s;
}

_Noreturn static void panic_freed(const void *ptr, const char *what)
{
    lg__panic("%s of %p: not the start of a live block, it has been freed already", what,
              ptr);
}

void lg__guard_check(struct heap *h, const void *ptr, size_t size_bytes, const char *what)
{
    struct span *s = checked_span(h, ptr, size_bytes, what);
    // relaxed: the caller has the pointer from who took it
    if (atomic_load_explicit(&s->live[lg__span_index(s, ptr)], memory_order_relaxed) !=
        1) {
        panic_freed(ptr, what);
    }
}

void lg__guard_drop(struct heap *h, void *ptr, size_t size_bytes, const char *what)
{
    struct span *s = checked_span(h, ptr, size_bytes, what);
    // relaxed: of two who free it, one is told
    if (atomic_exchange_explicit(&s->live[lg__span_index(s, ptr)], 0,
                                 memory_order_relaxed) != 1) {
        panic_freed(ptr, what);
    }
    if (s->size_class != 0) {
        paint(ptr, s->elem_bytes);
    }
}

#endif
