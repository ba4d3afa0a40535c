// SPDX-License-Identifier: MIT
#include "lagoon.h"
#include "os/lock.h"
#include "sched/waiter.h"

enum once_state { FRESH, BEGUN, DONE };

struct once {
    _Atomic uint32_t state; // once_state; written under the lock
    struct lock lock;
    // -- lock --
    struct list queue;
};

_Static_assert(sizeof(struct once) <= sizeof(lg_once), "lagoon.h promises the size");

static struct once *once_of(lg_once *once)
{
    return (struct once *)(void *)once->opaque;
}

static int finish(struct lg_g *g, enum wake wake)
{
    if (wake == WAKE_READY) {
        *g->op.out_flag = false;
        return LG_OK;
    }
    struct once *o = g->op.waiter.owner;
    lg__lock(&o->lock, RANK_SYNC);
    lg__waitq_unlink(&g->op.waiter);
    lg__unlock(&o->lock, RANK_SYNC);
    return lg__wake_result(wake);
}

int lg_once_begin(lg_once *once, bool *out_first)
{
    if (lg__take_cancel()) {
        return LG_ECANCELED;
    }
    struct once *o = once_of(once);
    // acquire: pairs with the release in lg_once_end()
    if (atomic_load_explicit(&o->state, memory_order_acquire) == DONE) {
        *out_first = false;
        return LG_OK;
    }
    struct lg_g *g = lg__g_self();
    int rc = LG_OK;
    lg__lock(&o->lock, RANK_SYNC);
    // relaxed: written under the lock
    uint32_t state = atomic_load_explicit(&o->state, memory_order_relaxed);
    if (state == BEGUN && lg__wait_begin(g)) {
        g->op.waiter.owner = o;
        g->op.waiter.which_case = 0;
        g->op.out_flag = out_first;
        lg__waitq_push(&o->queue, g, &g->op.waiter);
        lg__unlock(&o->lock, RANK_SYNC);
        return lg__wait_for(g, "once", LG_NEVER, finish);
    }
    if (state == BEGUN) {
        rc = LG_ECANCELED;
    } else {
        *out_first = state == FRESH;
        // relaxed: as above; DONE stays DONE
        atomic_store_explicit(&o->state, state == FRESH ? BEGUN : DONE,
                              memory_order_relaxed);
    }
    lg__unlock(&o->lock, RANK_SYNC);
    return rc;
}

void lg_once_end(lg_once *once)
{
    struct once *o = once_of(once);
    struct list woken = {0};
    lg__lock(&o->lock, RANK_SYNC);
    bool was_begun = atomic_load_explicit(&o->state, memory_order_relaxed) == BEGUN;
    // release: pairs with the acquire in lg_once_begin(); what was done once
    // is visible to all who find it done
    atomic_store_explicit(&o->state, DONE, memory_order_release);
    lg__waitq_claim_all(&o->queue, WAKE_READY, &woken);
    lg__unlock(&o->lock, RANK_SYNC);
    LG_MISUSE_IF(!was_begun, "lg_once_end() without lg_once_begin()");
    lg__waitq_fire_all(&woken);
}
