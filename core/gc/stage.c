// SPDX-License-Identifier: MIT
#include "gc/stage.h"

#include "gc/gc.h"
#include "sched/waiter.h"

void lg__stage_arm(struct lg_g *g)
{
    lg__wait_begin_uncancelable(g);
}

void lg__stage_enter_locked(struct gc *gc, struct lg_g *g, uint64_t stage)
{
    struct waiter *w = &g->op.waiter;
    w->owner = gc;
    w->which_case = 0;
    w->amount = (int64_t)stage;
    lg__waitq_push(&gc->stages.waiters, g, w);
}

// Without a stack to wait on, or dropped, it may still stand in the queue.
static int finish_stage(struct lg_g *g, enum wake wake)
{
    struct gc *gc = g->op.waiter.owner;
    lg__lock(&gc->lock, RANK_GC);
    lg__waitq_unlink(&g->op.waiter);
    lg__unlock(&gc->lock, RANK_GC);
    return lg__wake_result(wake);
}

int lg__stage_wait(struct lg_g *g, const char *reason)
{
    return lg__wait_for(g, reason, LG_NEVER, finish_stage);
}

// Takes out who waits for a stage up to this one, to be fired when the lock is open.
static void claim_due_locked(struct gc *gc, uint64_t stage, struct list *out)
    LG_REQUIRES(gc->lock)
{
    struct node *next;
    for (struct node *node = gc->stages.waiters.first; node; node = next) {
        next = node->next;
        struct waiter *w = LG_CONTAINER_OF(node, struct waiter, node);
        if ((uint64_t)w->amount <= stage) {
            lg__waitq_unlink(w);
            if (lg__wait_claim(&w->g->wait, w->number, WAKE_READY, 0)) {
                lg__list_push_back(out, &w->node);
            }
        }
    }
}

bool lg__stage_is_reached(struct gc *gc, uint64_t stage)
{
    lg__lock(&gc->lock, RANK_GC);
    bool is_reached = gc->stages.reached >= stage;
    lg__unlock(&gc->lock, RANK_GC);
    return is_reached;
}

void lg__stage_reach(struct gc *gc, uint64_t cycle, enum gc_event event)
{
    struct list due = {0};
    lg__lock(&gc->lock, RANK_GC);
    gc->stages.reached = lg__gc_stage(cycle, event);
    gc->stages.swept += event == GC_SWEPT;
    claim_due_locked(gc, gc->stages.reached, &due);
    lg__unlock(&gc->lock, RANK_GC);
    lg__waitq_fire_all(&due);
}

void lg__stage_give_up(struct gc *gc)
{
    struct list all = {0};
    lg__lock(&gc->lock, RANK_GC);
    claim_due_locked(gc, LG_GC_STAGE_LAST, &all);
    lg__unlock(&gc->lock, RANK_GC);
    lg__waitq_fire_all(&all);
}
