// SPDX-License-Identifier: MIT
#include "gc/work.h"

#include "gc/gc.h"
#include "mem/fixed.h"

static void put_filled_locked(struct gc_pool *pool, struct workbuf *buf)
    LG_REQUIRES(pool->lock)
{
    buf->next = pool->filled;
    pool->filled = buf;
    uint32_t nfilled = atomic_load_explicit(&pool->nfilled, memory_order_relaxed);
    // release: pairs with the acquire in lg__pool_has_work()
    atomic_store_explicit(&pool->nfilled, nfilled + 1, memory_order_release);
}

static struct workbuf *take_empty_locked(struct gc_pool *pool, struct fixed *memory)
    LG_REQUIRES(pool->lock)
{
    struct workbuf *buf = pool->empty;
    if (buf) {
        pool->empty = buf->next;
        return buf;
    }
    buf = lg__fixed_get(memory, sizeof *buf);
    if (buf) {
        pool->nmade++;
        buf->count = 0;
    }
    return buf;
}

static struct workbuf *take_filled_locked(struct gc_pool *pool) LG_REQUIRES(pool->lock)
{
    struct workbuf *buf = pool->filled;
    if (buf) {
        pool->filled = buf->next;
        uint32_t nfilled = atomic_load_explicit(&pool->nfilled, memory_order_relaxed);
        // release: as above
        atomic_store_explicit(&pool->nfilled, nfilled - 1, memory_order_release);
    }
    return buf;
}

LG_NOINLINE void lg__work_push_slow(struct gc *gc, struct gc_work *work, void *object)
{
    struct gc_pool *pool = &gc->pool;
    lg__lock(&pool->lock, RANK_GC_POOL);
    struct workbuf *fresh = take_empty_locked(pool, &gc->heap->fixed);
    if (fresh && work->buf) {
        put_filled_locked(pool, work->buf);
    }
    lg__unlock(&pool->lock, RANK_GC_POOL);
    if (!fresh) {
        // relaxed: looked at when the world is stopped
        atomic_store_explicit(&gc->has_overflown, true, memory_order_relaxed);
        return;
    }
    work->buf = fresh;
    fresh->objects[fresh->count++] = object;
}

LG_NOINLINE void *lg__work_pop_slow(struct gc *gc, struct gc_work *work)
{
    struct gc_pool *pool = &gc->pool;
    if (!lg__pool_has_work(pool)) {
        return NULL;
    }
    lg__lock(&pool->lock, RANK_GC_POOL);
    struct workbuf *buf = take_filled_locked(pool);
    if (buf && work->buf) {
        work->buf->next = pool->empty;
        pool->empty = work->buf;
    }
    lg__unlock(&pool->lock, RANK_GC_POOL);
    if (!buf) {
        return NULL;
    }
    work->buf = buf;
    return buf->objects[--buf->count];
}

void lg__work_flush(struct gc *gc, struct gc_work *work)
{
    struct workbuf *buf = work->buf;
    if (!buf) {
        return;
    }
    struct gc_pool *pool = &gc->pool;
    work->buf = NULL;
    lg__lock(&pool->lock, RANK_GC_POOL);
    if (buf->count > 0) {
        put_filled_locked(pool, buf);
    } else {
        buf->next = pool->empty;
        pool->empty = buf;
    }
    lg__unlock(&pool->lock, RANK_GC_POOL);
}

// The older half: nearer to the roots, so more hangs on them.
void lg__work_share(struct gc *gc, struct gc_work *work)
{
    struct workbuf *mine = work->buf;
    struct gc_pool *pool = &gc->pool;
    if (!mine || mine->count < 2 || lg__pool_has_work(pool)) {
        return;
    }
    lg__lock(&pool->lock, RANK_GC_POOL);
    struct workbuf *other = take_empty_locked(pool, &gc->heap->fixed);
    if (other) {
        uint32_t half = mine->count / 2;
        __builtin_memcpy(other->objects, mine->objects, half * sizeof(void *));
        __builtin_memmove(mine->objects, mine->objects + half,
                          (mine->count - half) * sizeof(void *));
        other->count = half;
        mine->count -= half;
        put_filled_locked(pool, other);
    }
    lg__unlock(&pool->lock, RANK_GC_POOL);
}

void lg__pool_fini(struct gc *gc)
{
    struct gc_pool *pool = &gc->pool;
    while (pool->filled || pool->empty) {
        struct workbuf **list = pool->filled ? &pool->filled : &pool->empty;
        struct workbuf *buf = *list;
        *list = buf->next;
        lg__fixed_put(&gc->heap->fixed, buf, sizeof *buf);
    }
}

size_t lg__pool_count(struct gc *gc)
{
    struct gc_pool *pool = &gc->pool;
    size_t count = 0;
    lg__lock(&pool->lock, RANK_GC_POOL);
    for (struct workbuf *buf = pool->filled; buf; buf = buf->next) {
        count += buf->count;
    }
    lg__unlock(&pool->lock, RANK_GC_POOL);
    return count;
}
