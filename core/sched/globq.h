// SPDX-License-Identifier: MIT
//
// The global run queue: what full rings spill, what threads without a P start,
// what a retired P leaves. First in, first out, guarded by the scheduler's lock.
//
// It holds pointers side by side, not a list through the records, so that
// moving half a ring here and back touches no goroutine: a linked queue of a
// hundred thousand of them is a hundred thousand cache misses one after the
// other, under the lock (skynet spent half its time there). A push must not
// fail, so whoever makes something runnable reserves its place beforehand.
#ifndef LG_SCHED_GLOBQ_H
#define LG_SCHED_GLOBQ_H

#include "base/base.h"
#include "mem/alloc.h"
#include "sched/runq.h"

struct globq {
    struct runnable **slots; // a ring
    size_t cap;              // of slots, a power of two
    size_t head;             // the oldest; grows, and wraps by cap
    size_t count;
    size_t reserved; // how many runnables there are that may stand here
};

// Makes room for `more` runnables that do not exist yet. LG_OK or LG_ENOMEM.
int lg__globq_reserve(struct globq *q, const struct alloc *alloc, size_t more);

// Of `fewer` runnables that are gone.
void lg__globq_unreserve(struct globq *q, size_t fewer);

void lg__globq_fini(struct globq *q, const struct alloc *alloc);

LG_INLINE void lg__globq_push(struct globq *q, struct runnable *r)
{
    LG_ASSERT(q->count < q->reserved);
    q->slots[(q->head + q->count) & (q->cap - 1)] = r;
    q->count++;
}

// Takes the oldest; NULL if there is none.
LG_INLINE struct runnable *lg__globq_pop(struct globq *q)
{
    if (q->count == 0) {
        return NULL;
    }
    struct runnable *r = q->slots[q->head & (q->cap - 1)];
    q->head++;
    q->count--;
    return r;
}

#endif // LG_SCHED_GLOBQ_H
