// SPDX-License-Identifier: MIT
//
// The run queue of one P: a ring that its owner fills and empties at the ends
// and that thieves empty from the head, half at a time. After Go's runq, which
// follows Chase and Lev's deque with a queue's order (first in, first out).
//
//   slots [head, tail) are runnable; head and tail only grow, and wrap
//
//        head              tail
//          v                 v
//   ... | a | b | c | d | e |   |   | ...      thieves take a, b, c by one CAS
#ifndef LG_SCHED_RUNQ_H
#define LG_SCHED_RUNQ_H

#include "base/base.h"

enum { RUNQ_CAP = LG_SIZED(256, 4) };

enum runnable_kind { RUNNABLE_NONE, RUNNABLE_G, RUNNABLE_STRAND, RUNNABLE_JOB };

// Why something runs on the host's thread only, and stands in its queue (sched/host.h).
enum pin {
    PIN_FIXED = 1,  // made so
    PIN_LOCKED = 2, // by lg_lock_thread()
    PIN_CALLED = 4, // in lg_call_on_host()
};

// What stands in run queues. First member of its owner's record.
struct runnable {
    struct runnable *next; // in a list
    enum runnable_kind kind;
    uint8_t pins;   // enum pin; changed while it stands in no queue
    bool is_beside; // the order of a deterministic runtime (sched/order.h)
};

struct runq {
    // -- any P --
    _Atomic uint32_t head; // moved by CAS, by whoever takes
    _Atomic uint32_t tail; // stored by the owner only
    _Atomic(struct runnable *) slots[RUNQ_CAP];
};

// Appends; false if it is full. Owner only.
LG_INLINE bool lg__runq_push(struct runq *q, struct runnable *r, memory_order order)
{
    // acquire: pairs with the CAS of a thief or of pop; the slot is free again
    uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);
    // relaxed: our own value
    uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
    if (LG_UNLIKELY(tail - head >= RUNQ_CAP)) {
        return false;
    }
    // relaxed: published by the store of tail
    atomic_store_explicit(&q->slots[tail % RUNQ_CAP], r, memory_order_relaxed);
    // release or stronger, the caller's: pairs with the acquire of tail in
    // lg__runq_grab(); publishes the slot and what it points to
    atomic_store_explicit(&q->tail, tail + 1, order);
    return true;
}

// Asks for the record in a slot ahead, which may be empty or hold an old one:
// then this asks for nothing useful, and that is all. With many goroutines that
// take turns each is cold when its turn comes.
LG_INLINE void lg__runq_prefetch(struct runq *q, uint32_t at)
{
    // relaxed: a hint
    const char *record = (const char *)atomic_load_explicit(&q->slots[at % RUNQ_CAP],
                                                            memory_order_relaxed);
    __builtin_prefetch(record);
    __builtin_prefetch(record + LG_CACHELINE);
}

// Takes the oldest; NULL if there is none. Owner only.
LG_INLINE struct runnable *lg__runq_pop(struct runq *q)
{
    // acquire: pairs with the CAS of thieves; what they took is theirs
    uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);
    for (;;) {
        // relaxed: our own value
        if (head == atomic_load_explicit(&q->tail, memory_order_relaxed)) {
            return NULL;
        }
        // relaxed: we wrote the slot ourselves
        struct runnable *r =
            atomic_load_explicit(&q->slots[head % RUNQ_CAP], memory_order_relaxed);
        // release: a push that sees the new head may reuse the slot
        if (atomic_compare_exchange_weak_explicit(
                &q->head, &head, head + 1, memory_order_acq_rel, memory_order_acquire)) {
            lg__runq_prefetch(q, head + 2);
            return r;
        }
    }
}

// Takes the older half of another P's queue, at most RUNQ_CAP / 2, into out.
// Returns how many.
uint32_t lg__runq_grab(struct runq *victim, struct runnable **out);

// Takes the older half of one's own full queue, to move it elsewhere.
LG_INLINE uint32_t lg__runq_spill(struct runq *q, struct runnable **out)
{
    return lg__runq_grab(q, out);
}

// How many stand in it; another moment later. seq_cst, for those who go idle.
LG_INLINE uint32_t lg__runq_len(struct runq *q)
{
    // seq_cst: pairs with the seq_cst store of tail in a push that is followed
    // by a look at the idle Ps: one of the two sees the other (sched/idle.c)
    uint32_t tail = atomic_load_explicit(&q->tail, memory_order_seq_cst);
    uint32_t head = atomic_load_explicit(&q->head, memory_order_seq_cst);
    return tail - head <= RUNQ_CAP ? tail - head : 0;
}

// A list of runnables in order, linked through `next`.
struct runnable_list {
    struct runnable *first;
    struct runnable *last;
    size_t count;
};

LG_INLINE void lg__runnable_append(struct runnable_list *list, struct runnable *r)
{
    r->next = NULL;
    if (list->last) {
        list->last->next = r;
    } else {
        list->first = r;
    }
    list->last = r;
    list->count++;
}

LG_INLINE struct runnable *lg__runnable_shift(struct runnable_list *list)
{
    struct runnable *r = list->first;
    if (r) {
        list->first = r->next;
        if (!list->first) {
            list->last = NULL;
        }
        list->count--;
    }
    return r;
}

#endif // LG_SCHED_RUNQ_H
