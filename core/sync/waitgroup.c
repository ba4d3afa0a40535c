// SPDX-License-Identifier: MIT
#include "lagoon.h"
#include "os/lock.h"
#include "sync/waiter.h"

struct waitgroup {
    struct lock lock;
    // -- lock --
    int64_t count;
    struct list queue;
};

_Static_assert(sizeof(struct waitgroup) <= sizeof(lg_waitgroup),
               "lagoon.h promises the size");

static struct waitgroup *waitgroup_of(lg_waitgroup *wg)
{
    return (struct waitgroup *)(void *)wg->opaque;
}

int lg_waitgroup_add(lg_waitgroup *group, int64_t delta)
{
    struct waitgroup *wg = waitgroup_of(group);
    struct list woken = {0};
    int rc = LG_OK;
    lg__lock(&wg->lock, RANK_SYNC);
    int64_t count;
    if (__builtin_add_overflow(wg->count, delta, &count) || count < 0 ||
        count > INT32_MAX) {
        rc = LG_EINVAL;
    } else {
        wg->count = count;
        if (count == 0) {
            lg__waitq_claim_all(&wg->queue, WAKE_READY, &woken);
        }
    }
    // The group may be gone from here on: its waiters are free to leave.
    lg__unlock(&wg->lock, RANK_SYNC);
    lg__waitq_fire_all(&woken);
    return rc;
}

static int finish(struct lg_g *g, enum wake wake)
{
    if (wake != WAKE_READY) {
        struct waitgroup *wg = g->op.waiter.owner;
        lg__lock(&wg->lock, RANK_SYNC);
        lg__waitq_unlink(&g->op.waiter);
        lg__unlock(&wg->lock, RANK_SYNC);
    }
    return lg__wake_result(wake);
}

int lg_waitgroup_wait(lg_waitgroup *group, int64_t deadline_ns)
{
    if (deadline_ns != 0 && lg__take_cancel()) {
        return LG_ECANCELED;
    }
    struct waitgroup *wg = waitgroup_of(group);
    int rc = LG_OK;
    lg__lock(&wg->lock, RANK_SYNC);
    if (wg->count > 0) {
        struct lg_g *g = deadline_ns == 0 ? NULL : lg__g_self();
        if (!g) {
            rc = LG_EAGAIN;
        } else if (!lg__wait_begin(g)) {
            rc = LG_ECANCELED;
        } else {
            g->op.waiter.owner = wg;
            g->op.waiter.which_case = 0;
            lg__waitq_push(&wg->queue, g, &g->op.waiter);
            lg__unlock(&wg->lock, RANK_SYNC);
            return lg__wait_for(g, "waitgroup wait", deadline_ns, finish);
        }
    }
    lg__unlock(&wg->lock, RANK_SYNC);
    return rc;
}
