// SPDX-License-Identifier: MIT
#include "gc/roots.h"

#include <string.h>

#include "gc/gc.h"
#include "gc/mark.h"

void lg__roots_init(struct gc_roots *roots, struct gc *gc, const struct alloc *alloc)
{
    memset(roots, 0, sizeof *roots);
    roots->gc = gc;
    roots->alloc = alloc;
}

static struct root_range *range_of(struct node *node)
{
    return LG_CONTAINER_OF(node, struct root_range, node);
}

void lg__roots_fini(struct gc_roots *roots)
{
    for (struct node *node; (node = lg__list_pop_front(&roots->ranges));) {
        lg__alloc_free(roots->alloc, range_of(node), sizeof(struct root_range));
    }
}

static void add_bytes_locked(struct gc_roots *roots, size_t bytes)
    LG_REQUIRES(roots->lock)
{
    // relaxed: a figure. Unsigned: what is taken away is added as its negative
    size_t before = atomic_load_explicit(&roots->bytes, memory_order_relaxed);
    atomic_store_explicit(&roots->bytes, before + bytes, memory_order_relaxed);
}

// What appears as a root, or ceases to be one, in the middle of marking.
static void shade_locked(struct gc_roots *roots, const struct root_range *range)
    LG_REQUIRES(roots->lock)
{
    if (!lg__gc_is_marking(roots->gc)) {
        return;
    }
    for (size_t i = 0; i < range->n; i++) {
        // relaxed: goroutines store into the words, and shade what they store
        lg__gc_shade_outside(roots->gc,
                             __atomic_load_n(&range->words[i], __ATOMIC_RELAXED));
    }
}

static struct root_range *find_locked(struct gc_roots *roots, void *const *words)
    LG_REQUIRES(roots->lock)
{
    struct node *node = roots->ranges.first;
    while (node && range_of(node)->words != words) {
        node = node->next;
    }
    return node ? range_of(node) : NULL;
}

void lg__roots_visit(struct gc_roots *roots,
                     void (*visit)(void *ud, const char *name, void **words, size_t n),
                     void *ud)
{
    lg__lock(&roots->lock, RANK_ROOTS);
    for (struct node *node = roots->ranges.first; node; node = node->next) {
        struct root_range *range = range_of(node);
        visit(ud, range->name, range->words, range->n);
    }
    lg__unlock(&roots->lock, RANK_ROOTS);
}

size_t lg__roots_bytes(struct gc_roots *roots)
{
    // relaxed: a figure
    return atomic_load_explicit(&roots->bytes, memory_order_relaxed);
}

int lg_root_add(lg_runtime *rt, const char *name, void **words, size_t n)
{
    struct gc_roots *roots = &lg__gc(rt)->roots;
    struct root_range *range = lg__alloc_new(roots->alloc, sizeof *range);
    if (!range) {
        return LG_ENOMEM;
    }
    range->name = name;
    range->words = words;
    range->n = n;
    lg__lock(&roots->lock, RANK_ROOTS);
    lg__list_push_back(&roots->ranges, &range->node);
    add_bytes_locked(roots, n * sizeof *words);
    shade_locked(roots, range);
    lg__unlock(&roots->lock, RANK_ROOTS);
    return LG_OK;
}

int lg_root_remove(lg_runtime *rt, void **words)
{
    struct gc_roots *roots = &lg__gc(rt)->roots;
    lg__lock(&roots->lock, RANK_ROOTS);
    struct root_range *range = find_locked(roots, words);
    if (range) {
        shade_locked(roots, range);
        add_bytes_locked(roots, 0 - range->n * sizeof *words);
        lg__list_remove(&roots->ranges, &range->node);
    }
    lg__unlock(&roots->lock, RANK_ROOTS);
    lg__alloc_free(roots->alloc, range, sizeof *range);
    return range ? LG_OK : LG_EINVAL;
}
