// SPDX-License-Identifier: MIT
//
// Condition variables. A wait has two parts: for the signal, which anything
// may cut short, and for the mutex, which nothing does.
#include "lagoon.h"
#include "os/lock.h"
#include "sched/waiter.h"
#include "sync/mutex.h"

struct cond {
    struct lock lock;
    // -- lock --
    struct list queue;
};

_Static_assert(sizeof(struct cond) <= sizeof(lg_cond), "lagoon.h promises the size");

static struct cond *cond_of(lg_cond *c)
{
    return (struct cond *)(void *)c->opaque;
}

static int finish_signal(struct lg_g *g, enum wake wake)
{
    if (wake != WAKE_READY) {
        struct cond *c = g->op.waiter.owner;
        lg__lock(&c->lock, RANK_SYNC);
        lg__waitq_unlink(&g->op.waiter);
        lg__unlock(&c->lock, RANK_SYNC);
    }
    g->op.relock_result = lg__wake_result(wake);
    return lg__mutex_relock(g);
}

int lg_cond_wait(lg_cond *cond, lg_mutex *m, int64_t deadline_ns)
{
    if (!lg_mutex_is_locked(m)) {
        return LG_EPERM;
    }
    if (deadline_ns == 0) {
        return LG_EAGAIN;
    }
    struct cond *c = cond_of(cond);
    struct lg_g *g = lg__g_self();
    if (!lg__wait_begin(g)) {
        return LG_ECANCELED;
    }
    g->op.waiter.owner = c;
    g->op.waiter.which_case = 0;
    g->op.relock = m;
    lg__lock(&c->lock, RANK_SYNC);
    lg__waitq_push(&c->queue, g, &g->op.waiter);
    lg__unlock(&c->lock, RANK_SYNC);
    // In the queue before the mutex is open: no signal is missed.
    lg_mutex_unlock(m);
    return lg__wait_for(g, "cond wait", deadline_ns, finish_signal);
}

void lg_cond_signal(lg_cond *cond)
{
    struct cond *c = cond_of(cond);
    lg__lock(&c->lock, RANK_SYNC);
    struct waiter *w = lg__waitq_claim(&c->queue, WAKE_READY, NULL);
    lg__unlock(&c->lock, RANK_SYNC);
    if (w) {
        lg__wait_fire(w->g);
    }
}

void lg_cond_broadcast(lg_cond *cond)
{
    struct cond *c = cond_of(cond);
    struct list woken = {0};
    lg__lock(&c->lock, RANK_SYNC);
    lg__waitq_claim_all(&c->queue, WAKE_READY, &woken);
    lg__unlock(&c->lock, RANK_SYNC);
    lg__waitq_fire_all(&woken);
}
