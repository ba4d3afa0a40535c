// SPDX-License-Identifier: MIT
#include "mem/mcache.h"

#include "mem/mcentral.h"
#include "mem/mheap.h"

static void set(_Atomic uint32_t *figure, uint32_t value)
{
    // relaxed: a figure that we alone write
    atomic_store_explicit(figure, value, memory_order_relaxed);
}

static void set_room(struct block_list *list, uint32_t room)
{
    // relaxed: our own
    uint32_t put = atomic_load_explicit(&list->put, memory_order_relaxed);
    set(&list->taken, put + room);
}

void lg__mcache_init(struct mcache *mc, struct heap *h)
{
    mc->heap = h;
    for (uint32_t class = 1; class < NCLASSES; class ++) {
        set_room(&mc->lists[class], h->centrals[class].batch);
    }
}

LG_NOINLINE struct block *lg__mcache_refill(struct mcache *mc, uint32_t class)
{
    struct block_list *list = &mc->lists[class];
    uint32_t batch = mc->heap->centrals[class].batch;
    struct block *block = list->spare;
    uint32_t n = batch;
    if (block) {
        list->spare = NULL;
        set(&list->nspare, 0);
    } else {
        n = lg__mcentral_get(mc->heap, class, &block);
        if (n == 0) {
            return NULL;
        }
    }
    list->first = lg__block_next(block);
    set_room(list, batch - n + 1);
    return block;
}

// The list has just become full. With one laid aside already, this one goes and that one
// stays: this one's blocks are still in the CPU's cache.
LG_NOINLINE void lg__mcache_lay_aside(struct mcache *mc, uint32_t class)
{
    struct block_list *list = &mc->lists[class];
    uint32_t batch = mc->heap->centrals[class].batch;
    struct block *blocks = list->first;
    list->first = NULL;
    set_room(list, batch);
    if (list->spare) {
        lg__mcentral_put(mc->heap, class, blocks);
    } else {
        list->spare = blocks;
        set(&list->nspare, batch);
    }
}

void lg__mcache_flush(struct mcache *mc)
{
    for (uint32_t class = 1; class < NCLASSES; class ++) {
        struct block_list *list = &mc->lists[class];
        struct block *first = list->first;
        struct block *spare = list->spare;
        list->first = NULL;
        list->spare = NULL;
        set_room(list, mc->heap->centrals[class].batch);
        set(&list->nspare, 0);
        if (first) {
            lg__mcentral_put(mc->heap, class, first);
        }
        if (spare) {
            lg__mcentral_put(mc->heap, class, spare);
        }
    }
}
