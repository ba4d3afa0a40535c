// SPDX-License-Identifier: MIT
#include "sched/starve.h"

#include "mem/mheap.h"
#include "sched/host.h"
#include "sched/idle.h"
#include "sched/sched.h"

void lg__starve(struct lg_runtime *rt, struct runnable *r)
{
    lg__lock(&rt->lock, RANK_SCHED);
    lg__runnable_append(&rt->starved, r);
    lg__unlock(&rt->lock, RANK_SCHED);
    // relaxed: a hint
    atomic_store_explicit(&rt->tidy.has_surplus, true, memory_order_relaxed);
}

bool lg__has_starved(struct lg_runtime *rt)
{
    // relaxed: a hint
    return __atomic_load_n(&rt->starved.first, __ATOMIC_RELAXED) != NULL;
}

static void queue_locked(struct lg_runtime *rt, struct runnable *r) LG_REQUIRES(rt->lock)
{
    lg__globq_push(&rt->global, r);
    lg__nglobal_publish_locked(rt);
}

void lg__feed_starved(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    struct runnable *r = lg__runnable_shift(&rt->starved);
    if (r && !r->pins) {
        queue_locked(rt, r);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    if (r && r->pins) {
        lg__host_push(rt, r);
    }
}

void lg__feed_all_starved_locked(struct lg_runtime *rt)
{
    for (struct runnable *r; (r = lg__runnable_shift(&rt->starved));) {
        if (r->pins) {
            lg__host_push(rt, r); // by the driver: it wakes nobody
        } else {
            queue_locked(rt, r);
        }
    }
}

static struct stack *stack_beyond(struct lg_runtime *rt, uint32_t size_class)
{
    if (!lg__heap_has_reserve(&rt->heap)) {
        return NULL;
    }
    lg__heap_grace_begin(&rt->heap);
    struct stack *stack = lg__stack_get(&rt->stacks, NULL, size_class);
    lg__heap_grace_end(&rt->heap);
    return stack;
}

// Gives the first one a stack, and takes it out. NULL: none got one.
static struct runnable *save_first_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    struct runnable *r = rt->starved.first;
    if (!r || rt->is_deadlocked) { // a driver that is on its way out comes itself
        return NULL;
    }
    struct lg_g *g = LG_CONTAINER_OF(r, struct lg_g, run);
    struct stack *stack = lg__stack_get(&rt->stacks, NULL, g->stack_class);
    stack = stack ? stack : stack_beyond(rt, g->stack_class);
    if (!stack) {
        return NULL;
    }
    lg__sched_give_stack(g, stack);
    return lg__runnable_shift(&rt->starved);
}

bool lg__save_starved(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    struct runnable *r = save_first_locked(rt);
    bool is_pinned = r && r->pins;
    if (is_pinned) {
        lg_hold(rt); // in no queue for a moment, which must not look like a deadlock
    } else if (r) {
        queue_locked(rt, r);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    if (is_pinned) {
        lg__host_push(rt, r);
        lg_release(rt);
    }
    return r != NULL;
}
