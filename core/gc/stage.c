// SPDX-License-Identifier: MIT
#include "gc/stage.h"

#include "gc/gc.h"
#include "sched/park.h"

struct gc_waiter lg__stage_arm(struct lg_g *g)
{
    lg__wait_begin_uncancelable(g);
    return (struct gc_waiter){.ticket = {.g = g, .wait = lg__wait_number(&g->wait)}};
}

void lg__stage_enter_locked(struct gc *gc, struct gc_waiter *w, uint64_t stage)
{
    w->stage = stage;
    w->next = gc->stages.waiters;
    gc->stages.waiters = w;
}

// Takes out who waits for a stage up to this one.
static struct gc_waiter *take_due_locked(struct gc *gc, uint64_t stage)
    LG_REQUIRES(gc->lock)
{
    struct gc_waiter *due = NULL;
    struct gc_waiter **at = &gc->stages.waiters;
    while (*at) {
        struct gc_waiter *w = *at;
        if (w->stage <= stage) {
            *at = w->next;
            w->next = due;
            due = w;
        } else {
            at = &w->next;
        }
    }
    return due;
}

static void ready_all(struct gc_waiter *due)
{
    while (due) {
        struct gc_waiter *next = due->next; // gone when it is readied
        lg_ready(due->ticket);
        due = next;
    }
}

void lg__stage_reach(struct gc *gc, uint64_t cycle, enum gc_event event)
{
    lg__lock(&gc->lock, RANK_GC);
    gc->stages.reached = lg__gc_stage(cycle, event);
    gc->stages.swept += event == GC_SWEPT;
    struct gc_waiter *due = take_due_locked(gc, gc->stages.reached);
    lg__unlock(&gc->lock, RANK_GC);
    ready_all(due);
}

void lg__stage_give_up(struct gc *gc)
{
    lg__lock(&gc->lock, RANK_GC);
    struct gc_waiter *all = take_due_locked(gc, UINT64_MAX);
    lg__unlock(&gc->lock, RANK_GC);
    ready_all(all);
}
