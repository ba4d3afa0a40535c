// SPDX-License-Identifier: MIT
#include "mem/memstat.h"

#include <string.h>

static size_t figure(_Atomic size_t *value)
{
    // relaxed: a figure
    return atomic_load_explicit(value, memory_order_relaxed);
}

void lg__memstat_begin(struct memstat *ms, struct heap *h)
{
    memset(ms, 0, sizeof *ms);
    ms->heap = h;
    for (uint32_t class = 1; class < NCLASSES; class ++) {
        struct mcentral *c = &h->centrals[class];
        ms->classes[class].nspans = figure(&c->nspans);
        ms->classes[class].nout = figure(&c->nout);
    }
    lg__memstat_add(ms, &h->outside);
}

void lg__memstat_add(struct memstat *ms, struct mcache *mc)
{
    for (uint32_t class = 1; class < NCLASSES; class ++) {
        struct block_cache *cache = &mc->classes[class];
        // relaxed: figures
        ms->classes[class].ncached +=
            atomic_load_explicit(&cache->nout, memory_order_relaxed) +
            atomic_load_explicit(&cache->nin, memory_order_relaxed);
    }
    for (int use = 0; use < LG_NUSES; use++) {
        ms->asked[use] += atomic_load_explicit(&mc->asked[use], memory_order_relaxed);
        ms->slack[use] += atomic_load_explicit(&mc->slack[use], memory_order_relaxed);
    }
}

// Figures of different moments may contradict each other.
static size_t less(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

size_t lg__memstat_blocks(const struct memstat *ms, uint32_t class)
{
    if (class == 0) {
        return figure(&ms->heap->nlarge);
    }
    return less(ms->classes[class].nout, ms->classes[class].ncached);
}

static void tell_uses(const struct memstat *ms, size_t explicit_bytes, lg_stats *out)
{
    int64_t told = 0;
    for (int use = 0; use < LG_NUSES; use++) {
        if (use != LG_USE_OTHER) {
            out->mem_uses[use] = ms->asked[use] > 0 ? (size_t)ms->asked[use] : 0;
            told += ms->asked[use] + ms->slack[use];
        }
    }
    out->mem_uses[LG_USE_OTHER] = less(explicit_bytes, told > 0 ? (size_t)told : 0);
}

void lg__memstat_tell(const struct memstat *ms, lg_stats *out)
{
    struct heap *h = ms->heap;
    size_t small_bytes = 0;
    size_t small_pages = 0;
    for (uint32_t class = 1; class < NCLASSES; class ++) {
        small_bytes += lg__memstat_blocks(ms, class) * lg__class_bytes(class);
        small_pages += ms->classes[class].nspans * lg__mcentral_npages(class);
    }
    size_t explicit_pages = figure(&h->nspanned[SPAN_EXPLICIT]);
    size_t large_bytes = less(explicit_pages, small_pages) << PAGE_SHIFT;
    size_t explicit_bytes = small_bytes + large_bytes;
    out->mem_collected = figure(&h->nspanned[SPAN_COLLECTED]) << PAGE_SHIFT;
    out->mem_objects = explicit_bytes + out->mem_collected;
    out->mem_unused = less(explicit_pages << PAGE_SHIFT, explicit_bytes);
    out->mem_idle = figure(&h->nidle) << PAGE_SHIFT;
    out->mem_released = figure(&h->nreleased) << PAGE_SHIFT;
    out->mem_meta = figure(&h->header_bytes) + lg__fixed_bytes(&h->fixed);
    tell_uses(ms, explicit_bytes, out);
}
