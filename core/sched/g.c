// SPDX-License-Identifier: MIT
#include "sched/g.h"

#include <string.h>

#include "sched/runtime.h"

enum {
    ID_BATCH = LG_SIZED(16, 1),
    // The allocator aligns to 16 bytes only.
    CHUNK_BYTES =
        sizeof(struct g_chunk) + LG_CACHELINE - 1 + G_CHUNK * sizeof(struct lg_g),
};

void lg__g_pool_init(struct g_pool *pool)
{
    memset(pool, 0, sizeof *pool);
}

void lg__g_pool_fini(struct g_pool *pool, const struct alloc *alloc)
{
    // relaxed: nobody else is left
    struct g_chunk *chunk = atomic_load_explicit(&pool->chunks, memory_order_relaxed);
    while (chunk) {
        struct g_chunk *next = chunk->next;
        lg__alloc_free_for(alloc, LG_USE_GS, chunk, CHUNK_BYTES);
        chunk = next;
    }
}

// A chunk of records, each with its place in the global run queue. NULL: there
// is no memory for that.
static struct g_chunk *make_chunk(struct lg_runtime *rt)
{
    struct g_chunk *chunk = lg__alloc_new_for(&rt->alloc, LG_USE_GS, CHUNK_BYTES);
    if (!chunk) {
        return NULL;
    }
    lg__lock(&rt->lock, RANK_SCHED);
    int err = lg__globq_reserve(&rt->global, &rt->alloc, G_CHUNK);
    lg__unlock(&rt->lock, RANK_SCHED);
    if (err) {
        lg__alloc_free_for(&rt->alloc, LG_USE_GS, chunk, CHUNK_BYTES);
        return NULL;
    }
    uintptr_t first = (uintptr_t)chunk + sizeof *chunk + LG_CACHELINE - 1;
    chunk->gs = (struct lg_g *)(first & ~(uintptr_t)(LG_CACHELINE - 1));
    return chunk;
}

static void add_chunk_locked(struct lg_runtime *rt, struct g_chunk *chunk)
    LG_REQUIRES(rt->gs.lock)
{
    struct g_pool *pool = &rt->gs;
    for (int i = G_CHUNK - 1; i >= 0; i--) {
        struct lg_g *g = &chunk->gs[i];
        g->rt = rt;
        g->next_free = pool->free;
        atomic_init(&g->status, (uint32_t)LG_DEAD);
        pool->free = g;
    }
    pool->nfree += G_CHUNK;
    pool->nmade += G_CHUNK;
    chunk->next = atomic_load_explicit(&pool->chunks, memory_order_relaxed);
    // release: pairs with the acquire in dumps, which walk without the lock
    atomic_store_explicit(&pool->chunks, chunk, memory_order_release);
}

static struct lg_g *take_free_locked(struct lg_runtime *rt) LG_REQUIRES(rt->gs.lock)
{
    struct g_pool *pool = &rt->gs;
    struct lg_g *g = pool->free;
    pool->free = g->next_free;
    pool->nfree--;
    return g;
}

// Takes one record, and fills half the cache on the way.
static struct lg_g *take_from_pool(struct lg_runtime *rt, struct g_cache *cache)
{
    lg__lock(&rt->gs.lock, RANK_GPOOL);
    while (!rt->gs.free) {
        lg__unlock(&rt->gs.lock, RANK_GPOOL);
        struct g_chunk *chunk = make_chunk(rt);
        if (!chunk) {
            return NULL;
        }
        lg__lock(&rt->gs.lock, RANK_GPOOL);
        add_chunk_locked(rt, chunk);
    }
    struct lg_g *g = take_free_locked(rt);
    while (cache && cache->count < G_CACHE_CAP / 2 && rt->gs.free) {
        struct lg_g *spare = take_free_locked(rt);
        spare->next_free = cache->first;
        cache->first = spare;
        cache->count++;
    }
    lg__unlock(&rt->gs.lock, RANK_GPOOL);
    return g;
}

static uint64_t take_id(struct g_pool *pool, struct g_cache *cache)
{
    if (!cache) {
        // relaxed: only uniqueness matters
        return atomic_fetch_add_explicit(&pool->last_id, 1, memory_order_relaxed) + 1;
    }
    if (cache->next_id == cache->end_id) {
        // relaxed: as above
        cache->next_id =
            atomic_fetch_add_explicit(&pool->last_id, ID_BATCH, memory_order_relaxed) + 1;
        cache->end_id = cache->next_id + ID_BATCH;
    }
    return cache->next_id++;
}

// How much of a name there is room for: no character is cut in two, if it is UTF-8.
static size_t kept_bytes(const char *name)
{
    enum { TAIL_MASK = 0xc0, TAIL = 0x80, TAILS_MAX = 3 };
    size_t n = strnlen(name, LG_NAME_SIZE);
    if (n < LG_NAME_SIZE) {
        return n;
    }
    n--;
    for (size_t back = 0; back <= TAILS_MAX; back++) {
        if (((unsigned char)name[n - back] & TAIL_MASK) != TAIL) {
            return n - back;
        }
    }
    return n;
}

void lg__g_set_name(struct lg_g *g, const char *name)
{
    uint64_t words[G_NAME_WORDS] = {0};
    if (name) {
        memcpy(words, name, kept_bytes(name));
    }
    for (int i = 0; i < G_NAME_WORDS; i++) {
        // relaxed: for dumps
        atomic_store_explicit(&g->name[i], words[i], memory_order_relaxed);
    }
}

const char *lg__g_name(const struct lg_g *g, char out[LG_NAME_SIZE])
{
    for (size_t i = 0; i < G_NAME_WORDS; i++) {
        // relaxed: for dumps
        uint64_t word = atomic_load_explicit(&g->name[i], memory_order_relaxed);
        memcpy(out + i * sizeof word, &word, sizeof word);
    }
    return out;
}

struct lg_g *lg__g_new(struct lg_runtime *rt, struct g_cache *cache, uint64_t id)
{
    struct lg_g *g;
    if (cache && cache->first) {
        g = cache->first;
        cache->first = g->next_free;
        cache->count--;
    } else {
        g = take_from_pool(rt, cache);
        if (!g) {
            return NULL;
        }
    }
    // relaxed: for dumps, which may look at a record that is taken again
    __atomic_store_n(&g->strand, NULL, __ATOMIC_RELAXED);
    g->stack = NULL;
    // relaxed: for dumps, as above
    atomic_store_explicit(&g->is_system, false, memory_order_relaxed);
    g->is_collector = false;
    // relaxed: what stands here is of an earlier life
    atomic_store_explicit(&g->wait.cancel, 0, memory_order_relaxed);
    // relaxed: nobody looks
    atomic_store_explicit(&g->reported_id, 0, memory_order_relaxed);
    atomic_store_explicit(&g->home, NULL, memory_order_relaxed);
    g->nlocks = 0;
    g->has_wait = false;
    g->has_ticket = false;
    g->has_timer = false;
    g->is_abandoned = false;
    g->next_reason = NULL;
    // relaxed: for dumps, which check the id after
    atomic_store_explicit(&g->wait_reason, NULL, memory_order_relaxed);
    lg__g_set_status(g, LG_DEAD, LG_RUNNABLE);
    // release: pairs with the acquire in lg__g_id()
    atomic_store_explicit(&g->id, id ? id : take_id(&rt->gs, cache),
                          memory_order_release);
    return g;
}

// Moves half a full cache to the pool.
static void spill(struct g_pool *pool, struct g_cache *cache, uint32_t keep)
{
    lg__lock(&pool->lock, RANK_GPOOL);
    while (cache->count > keep) {
        struct lg_g *g = cache->first;
        cache->first = g->next_free;
        cache->count--;
        g->next_free = pool->free;
        pool->free = g;
        pool->nfree++;
    }
    lg__unlock(&pool->lock, RANK_GPOOL);
}

void lg__g_free(struct lg_runtime *rt, struct g_cache *cache, struct lg_g *g)
{
    // relaxed: published by the release in lg__wait_retire(): who sees the new
    // number sees that the id is gone
    atomic_store_explicit(&g->id, 0, memory_order_relaxed);
    lg__wait_retire(&g->wait);
    atomic_store_explicit(&g->status, (uint32_t)LG_DEAD, memory_order_relaxed);
    if (!cache) {
        struct g_cache one = {.first = g, .count = 1};
        g->next_free = NULL;
        spill(&rt->gs, &one, 0);
        return;
    }
    g->next_free = cache->first;
    cache->first = g;
    cache->count++;
    if (cache->count >= G_CACHE_CAP) {
        spill(&rt->gs, cache, G_CACHE_CAP / 2);
    }
}

void lg__g_cache_flush(struct g_pool *pool, struct g_cache *cache)
{
    spill(pool, cache, 0);
}
