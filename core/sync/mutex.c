// SPDX-License-Identifier: MIT
//
// Mutex: one word for those who find it free, a queue behind a lock for the
// rest. It is handed over: unlocking with somebody waiting leaves it locked,
// for the first in the queue. So nobody starves, and nobody barges in.
#include "sync/mutex.h"

#include "lagoon.h"
#include "os/lock.h"
#include "sync/waiter.h"

enum { LOCKED = 1U << 0, HAS_WAITERS = 1U << 1 };

struct mutex {
    _Atomic uint32_t state; // LOCKED; HAS_WAITERS, changed under lock only
    struct lock lock;
    // -- lock --
    struct list queue;
};

_Static_assert(sizeof(struct mutex) <= sizeof(lg_mutex), "lagoon.h promises the size");

static struct mutex *mutex_of(lg_mutex *m)
{
    return (struct mutex *)(void *)m->opaque;
}

static int finish(struct lg_g *g, enum wake wake)
{
    if (wake != WAKE_READY) {
        struct mutex *m = g->op.waiter.owner;
        lg__lock(&m->lock, RANK_SYNC);
        lg__waitq_unlink(&g->op.waiter);
        lg__unlock(&m->lock, RANK_SYNC);
    }
    return lg__wake_result(wake);
}

// Takes it, or announces that somebody waits. True: taken.
static bool take_or_announce_locked(struct mutex *m) LG_REQUIRES(m->lock)
{
    // relaxed: the CAS tells
    uint32_t state = atomic_load_explicit(&m->state, memory_order_relaxed);
    for (;;) {
        uint32_t next = state & LOCKED ? LOCKED | HAS_WAITERS : state | LOCKED;
        // acquire: pairs with the release of whoever unlocks
        if (atomic_compare_exchange_weak_explicit(
                &m->state, &state, next, memory_order_acquire, memory_order_relaxed)) {
            return !(state & LOCKED);
        }
    }
}

bool lg__mutex_try(lg_mutex *mutex)
{
    uint32_t open = 0;
    // acquire: pairs with the release in lg_mutex_unlock()
    return atomic_compare_exchange_strong_explicit(&mutex_of(mutex)->state, &open, LOCKED,
                                                   memory_order_acquire,
                                                   memory_order_relaxed);
}

int lg__mutex_join(lg_mutex *mutex, struct lg_g *g)
{
    struct mutex *m = mutex_of(mutex);
    lg__lock(&m->lock, RANK_SYNC);
    bool is_taken = take_or_announce_locked(m);
    if (!is_taken) {
        g->op.waiter.owner = m;
        lg__waitq_push(&m->queue, g, &g->op.waiter);
    }
    lg__unlock(&m->lock, RANK_SYNC);
    if (is_taken) {
        lg__wait_abandon(g);
        return LG_OK;
    }
    return LG_WAIT;
}

void lg__mutex_unhook(struct lg_g *g)
{
    finish(g, WAKE_CANCEL);
}

int lg_mutex_lock(lg_mutex *mutex, int64_t deadline_ns)
{
    if (deadline_ns != 0 && lg__take_cancel()) {
        return LG_ECANCELED;
    }
    if (lg__mutex_try(mutex)) {
        return LG_OK;
    }
    if (deadline_ns == 0) {
        return LG_EAGAIN;
    }
    struct lg_g *g = lg__g_self();
    if (!lg__wait_begin(g)) {
        return LG_ECANCELED;
    }
    g->op.waiter.which_case = 0;
    if (lg__mutex_join(mutex, g) == LG_OK) {
        return LG_OK;
    }
    return lg__wait_for(g, "mutex lock", deadline_ns, finish);
}

// Not inlined: what it saves on the stack the fast path need not.
static LG_NOINLINE int unlock_slow(struct mutex *m)
{
    struct waiter *w = NULL;
    lg__lock(&m->lock, RANK_SYNC);
    // relaxed: HAS_WAITERS changes under the lock only
    bool is_locked = atomic_load_explicit(&m->state, memory_order_relaxed) & LOCKED;
    if (is_locked) {
        w = lg__waitq_claim(&m->queue, WAKE_READY, NULL);
        uint32_t flags = lg__list_is_empty(&m->queue) ? 0 : HAS_WAITERS;
        // release: pairs with the acquire of the next to lock; a waiter gets
        // it through the wait word
        atomic_store_explicit(&m->state, w ? LOCKED | flags : 0, memory_order_release);
    }
    lg__unlock(&m->lock, RANK_SYNC);
    if (w) {
        lg__wait_fire(w->g);
    }
    return is_locked ? LG_OK : LG_EPERM;
}

int lg_mutex_unlock(lg_mutex *mutex)
{
    struct mutex *m = mutex_of(mutex);
    uint32_t locked = LOCKED;
    // release: pairs with the acquire in lg__mutex_try()
    if (atomic_compare_exchange_strong_explicit(
            &m->state, &locked, 0, memory_order_release, memory_order_relaxed)) {
        return LG_OK;
    }
    return locked & HAS_WAITERS ? unlock_slow(m) : LG_EPERM;
}

bool lg_mutex_is_locked(const lg_mutex *mutex)
{
    const struct mutex *m = (const struct mutex *)(const void *)mutex->opaque;
    // relaxed: true at some moment
    return atomic_load_explicit(&m->state, memory_order_relaxed) & LOCKED;
}
