// SPDX-License-Identifier: MIT
//
// Events: whoever waits at the moment of an emission goes on, once, in the order of
// arrival. Nothing is kept for those who come later.
#include "lagoon.h"
#include "os/lock.h"
#include "sched/waiter.h"

struct event {
    struct lock lock;
    // -- lock --
    struct list queue;
};

_Static_assert(sizeof(struct event) <= sizeof(lg_event), "lagoon.h promises the size");

static struct event *event_of(lg_event *e)
{
    return (struct event *)(void *)e->opaque;
}

static int finish(struct lg_g *g, enum wake wake)
{
    if (wake != WAKE_READY) {
        struct event *e = g->op.waiter.owner;
        lg__lock(&e->lock, RANK_SYNC);
        lg__waitq_unlink(&g->op.waiter);
        lg__unlock(&e->lock, RANK_SYNC);
    }
    return lg__wake_result(wake);
}

int lg_event_wait(lg_event *event, int64_t deadline_ns)
{
    if (deadline_ns == 0) {
        return LG_EAGAIN;
    }
    struct event *e = event_of(event);
    struct lg_g *g = lg__g_self();
    if (lg__take_cancel() || !lg__wait_begin(g)) {
        return LG_ECANCELED;
    }
    g->op.waiter.owner = e;
    g->op.waiter.which_case = 0;
    lg__lock(&e->lock, RANK_SYNC);
    lg__waitq_push(&e->queue, g, &g->op.waiter);
    lg__unlock(&e->lock, RANK_SYNC);
    return lg__wait_for(g, "event wait", deadline_ns, finish);
}

size_t lg_event_emit(lg_event *event)
{
    struct event *e = event_of(event);
    struct list woken = {0};
    lg__lock(&e->lock, RANK_SYNC);
    lg__waitq_claim_all(&e->queue, WAKE_READY, &woken);
    // The event may be gone from here on: its waiters are free to leave.
    lg__unlock(&e->lock, RANK_SYNC);
    return lg__waitq_fire_all(&woken);
}
