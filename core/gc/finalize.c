// SPDX-License-Identifier: MIT
#include "gc/finalize.h"

#include "base/wipe.h"
#include "gc/gc.h"
#include "gc/mark.h"
#include "gc/special.h"
#include "os/suspend.h"
#include "sched/sched.h"

// ---------------------------------------------------------------------------
// The queue
// ---------------------------------------------------------------------------

static void add_count_locked(struct finalize *queue, size_t n) LG_REQUIRES(queue->lock)
{
    // relaxed: a figure. Unsigned: -1 takes one away
    size_t before = atomic_load_explicit(&queue->count, memory_order_relaxed);
    atomic_store_explicit(&queue->count, before + n, memory_order_relaxed);
}

// The next object; NULL: there is none, and the caller's wait is armed.
static struct special *pop_or_arm(struct gc_specials *specials)
{
    struct finalize *queue = &specials->finalize;
    lg__lock(&queue->lock, RANK_FINALIZE);
    struct special *special = queue->first;
    if (special) {
        queue->first = special->next;
        add_count_locked(queue, (size_t)-1);
        if (lg__gc_is_marking(specials->gc)) {
            // It ceases to be a root, and our stack may have been scanned.
            lg__gc_shade_outside(specials->gc, special->obj);
        }
        // Until run_one() has it on its stack no cycle may begin: it is in no queue.
        lg__nostop_enter();
    } else {
        queue->ticket = lg_park_arm();
        queue->is_waiting = true;
    }
    lg__unlock(&queue->lock, RANK_FINALIZE);
    return special;
}

void lg__specials_visit_queue(struct gc_specials *specials,
                              void (*visit)(void *ud, void *obj), void *ud)
{
    struct finalize *queue = &specials->finalize;
    lg__lock(&queue->lock, RANK_FINALIZE);
    for (struct special *special = queue->first; special; special = special->next) {
        visit(ud, special->obj);
    }
    lg__unlock(&queue->lock, RANK_FINALIZE);
}

size_t lg__specials_nqueued(struct gc_specials *specials)
{
    // relaxed: a figure
    return atomic_load_explicit(&specials->finalize.count, memory_order_relaxed);
}

// ---------------------------------------------------------------------------
// The goroutine
// ---------------------------------------------------------------------------

// A frame of its own: what it leaves in registers and on the stack is gone when
// the goroutine waits for the next, and keeps no object alive.
static LG_NOINLINE void run_one(struct gc_specials *specials, struct special *special)
{
    void *obj = special->obj;
    void (*fn)(void *obj, void *ud) = special->fn;
    void *ud = special->ud;
    lg__nostop_leave();                  // from pop_or_arm()
    lg__special_done(specials, special); // it may be given a finalizer again
    fn(obj, ud);
}

static void finalize_main(void *arg)
{
    struct gc_specials *specials = arg;
    for (;;) {
        struct special *special = pop_or_arm(specials);
        if (special) {
            run_one(specials, special);
        } else {
            lg__wipe_below(); // its stack may have been another's
            lg_park("finalizer wait", LG_NEVER);
        }
    }
}

int lg__finalize_start(struct gc_specials *specials)
{
    struct finalize *queue = &specials->finalize;
    lg__lock(&queue->lock, RANK_FINALIZE);
    bool is_mine = !queue->is_started;
    queue->is_started = true;
    lg__unlock(&queue->lock, RANK_FINALIZE);
    if (!is_mine) {
        return LG_OK;
    }
    int err =
        lg__go_system(specials->rt, SYSTEM_SCANNED, finalize_main, specials, "finalizer");
    if (err) {
        lg__lock(&queue->lock, RANK_FINALIZE);
        queue->is_started = false;
        lg__unlock(&queue->lock, RANK_FINALIZE);
    }
    return err;
}

void lg__finalize_push(struct gc_specials *specials, struct special *special)
{
    struct finalize *queue = &specials->finalize;
    lg__lock(&queue->lock, RANK_FINALIZE);
    if (queue->first) {
        queue->last->next = special;
    } else {
        queue->first = special;
    }
    queue->last = special;
    add_count_locked(queue, 1);
    bool is_waiting = queue->is_waiting;
    queue->is_waiting = false;
    lg_ticket ticket = queue->ticket;
    lg__unlock(&queue->lock, RANK_FINALIZE);
    if (is_waiting) {
        lg_ready(ticket);
    }
    // Another may have failed to start it, who believed to be the only one to
    // need it. If there is no memory now, the next object tries again.
    lg__finalize_start(specials);
}
