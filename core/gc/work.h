// SPDX-License-Identifier: MIT
//
// Grey objects: those found alive whose references have not been looked at. Each
// P fills and empties a buffer of its own; full ones go to a pool, where whoever
// has none left takes them.
//
// A grey object must not be lost, and there may be no memory for another buffer:
// then gc->has_overflown is set, and all marked objects are looked at again
// (gc/mark.c).
#ifndef LG_GC_WORK_H
#define LG_GC_WORK_H

#include "base/base.h"
#include "os/lock.h"

struct gc;

enum { WORKBUF_CAP = LG_SIZED(1022, 6) };

struct workbuf {
    struct workbuf *next; // in the pool
    uint32_t count;
    void *objects[WORKBUF_CAP];
};

// The grey objects of one owner.
struct gc_work {
    struct workbuf *buf; // NULL: none yet
    // -- written by the owner, read by anyone, relaxed: a hint --
    _Atomic uint32_t count; // in buf
};

struct gc_pool {
    struct lock lock;
    // -- lock --
    struct workbuf *filled; // with at least one object
    struct workbuf *empty;
    size_t nmade;
    // -- written with the lock, read by anyone --
    _Atomic uint32_t nfilled;
};

// Adds a grey object.
void lg__work_push_slow(struct gc *gc, struct gc_work *work, void *object);

LG_INLINE void lg__work_push(struct gc *gc, struct gc_work *work, void *object)
{
    struct workbuf *buf = work->buf;
    if (LG_LIKELY(buf && buf->count < WORKBUF_CAP)) {
        buf->objects[buf->count++] = object;
        return;
    }
    lg__work_push_slow(gc, work, object);
}

// Takes one: of the owner's, else of a buffer of the pool; NULL: there is none.
void *lg__work_pop_slow(struct gc *gc, struct gc_work *work);

LG_INLINE void *lg__work_pop(struct gc *gc, struct gc_work *work)
{
    struct workbuf *buf = work->buf;
    if (LG_LIKELY(buf && buf->count > 0)) {
        return buf->objects[--buf->count];
    }
    return lg__work_pop_slow(gc, work);
}

// Moves what the owner has to the pool.
void lg__work_flush(struct gc *gc, struct gc_work *work);

// Lets others have some if they have nothing.
void lg__work_share(struct gc *gc, struct gc_work *work);

// Whether the pool has some.
LG_INLINE bool lg__pool_has_work(struct gc_pool *pool)
{
    // acquire: pairs with the release in work.c; who sees none left sees what
    // the last taker had done before
    return atomic_load_explicit(&pool->nfilled, memory_order_acquire) > 0;
}

// How many grey objects the pool has. Those that owners hold are not in it.
size_t lg__pool_count(struct gc *gc);

// Frees the buffers; those that owners still have must have been flushed.
void lg__pool_fini(struct gc *gc);

#endif // LG_GC_WORK_H
