// SPDX-License-Identifier: MIT
//
// Counting semaphores with requests of several units. Strictly first come,
// first served: a small request does not overtake a large one.
#include "lagoon.h"
#include "os/lock.h"
#include "sched/waiter.h"

struct sema {
    int32_t total; // fixed by lg_semaphore_init()
    struct lock lock;
    // -- lock --
    int32_t free;
    struct list queue;
};

_Static_assert(sizeof(struct sema) <= sizeof(lg_semaphore), "lagoon.h promises the size");

static struct sema *sema_of(lg_semaphore *s)
{
    return (struct sema *)(void *)s->opaque;
}

int lg_semaphore_init(lg_semaphore *semaphore, int64_t units)
{
    if (units < 0 || units > INT32_MAX) {
        return LG_EINVAL;
    }
    struct sema *s = sema_of(semaphore);
    s->total = (int32_t)units;
    s->free = (int32_t)units;
    return LG_OK;
}

// Serves the queue as far as the units go.
static void serve_locked(struct sema *s, struct list *woken) LG_REQUIRES(s->lock)
{
    while (s->queue.first) {
        struct waiter *w = LG_CONTAINER_OF(s->queue.first, struct waiter, node);
        if (w->amount > s->free) {
            return;
        }
        int32_t amount = (int32_t)w->amount;
        struct lg_g *g = w->g;
        lg__waitq_unlink(w);
        if (lg__wait_claim(&g->wait, w->number, WAKE_READY, 0)) {
            s->free -= amount;
            lg__list_push_back(woken, &w->node);
        }
    }
}

static int finish(struct lg_g *g, enum wake wake)
{
    if (wake != WAKE_READY) {
        struct sema *s = g->op.waiter.owner;
        struct list woken = {0};
        lg__lock(&s->lock, RANK_SYNC);
        lg__waitq_unlink(&g->op.waiter);
        // Those behind may have waited for us only.
        serve_locked(s, &woken);
        lg__unlock(&s->lock, RANK_SYNC);
        lg__waitq_fire_all(&woken);
    } else if (LG_UNLIKELY(g->is_dropped)) {
        lg_semaphore_release(g->op.waiter.owner, g->op.waiter.amount);
    }
    return lg__wake_result(wake);
}

int lg_semaphore_acquire(lg_semaphore *semaphore, int64_t units, int64_t deadline_ns)
{
    struct sema *s = sema_of(semaphore);
    if (units < 1 || units > s->total) {
        return LG_EINVAL;
    }
    if (deadline_ns != 0 && lg__take_cancel()) {
        return LG_ECANCELED;
    }
    int rc = LG_OK;
    lg__lock(&s->lock, RANK_SYNC);
    if (s->free >= units && lg__list_is_empty(&s->queue)) {
        s->free -= (int32_t)units;
    } else {
        struct lg_g *g = deadline_ns == 0 ? NULL : lg__g_self();
        if (!g) {
            rc = LG_EAGAIN;
        } else if (!lg__wait_begin(g)) {
            rc = LG_ECANCELED;
        } else {
            g->op.waiter.owner = s;
            g->op.waiter.which_case = 0;
            g->op.waiter.amount = units;
            lg__waitq_push(&s->queue, g, &g->op.waiter);
            lg__unlock(&s->lock, RANK_SYNC);
            return lg__wait_for(g, "semaphore acquire", deadline_ns, finish);
        }
    }
    lg__unlock(&s->lock, RANK_SYNC);
    return rc;
}

int lg_semaphore_release(lg_semaphore *semaphore, int64_t units)
{
    struct sema *s = sema_of(semaphore);
    struct list woken = {0};
    int rc = LG_OK;
    lg__lock(&s->lock, RANK_SYNC);
    if (units < 1 || units > s->total - s->free) {
        rc = LG_EINVAL;
    } else {
        s->free += (int32_t)units;
        serve_locked(s, &woken);
    }
    lg__unlock(&s->lock, RANK_SYNC);
    lg__waitq_fire_all(&woken);
    return rc;
}
