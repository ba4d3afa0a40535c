// SPDX-License-Identifier: MIT
#include "sched/globq.h"

#include "lagoon.h"

enum { CAP_MIN = LG_SIZED(256, 2) };

static int grow(struct globq *q, const struct alloc *alloc, size_t cap)
{
    struct runnable **slots = lg__alloc_new(alloc, cap * sizeof(struct runnable *));
    if (!slots) {
        return LG_ENOMEM;
    }
    for (size_t i = 0; i < q->count; i++) {
        slots[i] = q->slots[(q->head + i) & (q->cap - 1)];
    }
    lg__globq_fini(q, alloc);
    q->slots = slots;
    q->cap = cap;
    q->head = 0;
    return LG_OK;
}

int lg__globq_reserve(struct globq *q, const struct alloc *alloc, size_t more)
{
    size_t cap = q->cap > 0 ? q->cap : CAP_MIN;
    while (cap < q->reserved + more) {
        cap *= 2;
    }
    int err = cap > q->cap ? grow(q, alloc, cap) : LG_OK;
    if (!err) {
        q->reserved += more;
    }
    return err;
}

void lg__globq_unreserve(struct globq *q, size_t fewer)
{
    LG_ASSERT(q->reserved >= fewer);
    q->reserved -= fewer;
}

void lg__globq_fini(struct globq *q, const struct alloc *alloc)
{
    lg__alloc_free(alloc, q->slots, q->cap * sizeof(struct runnable *));
}
