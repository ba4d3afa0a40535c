// SPDX-License-Identifier: MIT
//
// Wait groups: counters that goroutines wait on.
//
// A group mostly lives in the frame of who waits for it, and is gone as soon as that
// returns. So opening the lock is the last that lg_waitgroup_add() does to it: who waits
// has read the counter under the lock, or is fired after that.
#include "lagoon.h"
#include "os/lock.h"
#include "sched/sched.h"
#include "sched/waiter.h"

struct waitgroup {
    struct lock lock;
    // -- lock --
    int32_t count;
    int32_t wanted; // no waiter waits for more: the counter is looked at from here down
    struct list queue; // their `amount`: up to which counter they wait
};

_Static_assert(sizeof(struct waitgroup) <= sizeof(lg_waitgroup),
               "lagoon.h promises the size");

static struct waitgroup *waitgroup_of(lg_waitgroup *wg)
{
    return (struct waitgroup *)(void *)wg->opaque;
}

// The counter has come down: claims those who have waited for that.
static void claim_reached_locked(struct waitgroup *wg, struct list *woken)
    LG_REQUIRES(wg->lock)
{
    int32_t wanted = 0;
    struct node *next;
    for (struct node *node = wg->queue.first; node; node = next) {
        next = node->next;
        struct waiter *w = LG_CONTAINER_OF(node, struct waiter, node);
        if (w->amount < wg->count) {
            wanted = w->amount > wanted ? (int32_t)w->amount : wanted;
            continue;
        }
        lg__waitq_unlink(w);
        if (lg__wait_claim(&w->g->wait, w->number, WAKE_READY, w->which_case)) {
            lg__list_push_back(woken, &w->node);
        }
    }
    wg->wanted = wanted;
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
        wg->count = (int32_t)count;
        if (delta < 0 && count <= wg->wanted) {
            claim_reached_locked(wg, &woken);
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

int lg_waitgroup_wait_for(lg_waitgroup *group, int64_t at_most, int64_t deadline_ns)
{
    if (at_most < 0) {
        return LG_EINVAL;
    }
    if (deadline_ns != 0 && lg__take_cancel()) {
        return LG_ECANCELED;
    }
    struct waitgroup *wg = waitgroup_of(group);
    int rc = LG_OK;
    lg__lock(&wg->lock, RANK_SYNC);
    if (wg->count > at_most) {
        struct lg_g *g = deadline_ns == 0 ? NULL : lg__g_self();
        if (!g) {
            rc = LG_EAGAIN;
        } else if (!lg__wait_begin(g)) {
            rc = LG_ECANCELED;
        } else {
            g->op.waiter.owner = wg;
            g->op.waiter.which_case = 0;
            g->op.waiter.amount = at_most;
            wg->wanted = at_most > wg->wanted ? (int32_t)at_most : wg->wanted;
            lg__waitq_push(&wg->queue, g, &g->op.waiter);
            lg__unlock(&wg->lock, RANK_SYNC);
            return lg__wait_for(g, "waitgroup wait", deadline_ns, finish);
        }
    }
    lg__unlock(&wg->lock, RANK_SYNC);
    return rc;
}

int lg_waitgroup_wait(lg_waitgroup *group, int64_t deadline_ns)
{
    return lg_waitgroup_wait_for(group, 0, deadline_ns);
}

// ---------------------------------------------------------------------------
// Goroutines that count
// ---------------------------------------------------------------------------

// In the area of a native goroutine, which no strand uses.
struct counted {
    void (*fn)(void *arg);
    lg_waitgroup *group;
};

_Static_assert(sizeof(struct counted) <= LG_EXTRA_SIZE, "it must fit in there");

static struct counted *counted_of(struct lg_g *g)
{
    return (struct counted *)(void *)g->extra;
}

static void run_counted(void *arg)
{
    struct counted counted = *counted_of(lg__g_self());
    counted.fn(arg);
    lg_waitgroup_add(counted.group, -1);
}

int lg_waitgroup_go(lg_runtime *rt, lg_waitgroup *group, void (*fn)(void *arg), void *arg,
                    const lg_go_options *opts)
{
    int err = lg_waitgroup_add(group, 1);
    if (err) {
        return err;
    }
    struct lg_g *g;
    err = lg__go_new(rt, run_counted, arg, opts, &g);
    if (err) {
        lg_waitgroup_add(group, -1);
        return err;
    }
    *counted_of(g) = (struct counted){.fn = fn, .group = group};
    lg__sched_push(rt, &g->run);
    return LG_OK;
}
