// SPDX-License-Identifier: MIT
#include "gc/worker.h"

#include "gc/gc.h"
#include "gc/mark.h"
#include "os/clock.h"
#include "os/suspend.h"
#include "sched/idle.h"
#include "sched/park.h"
#include "sched/scan.h"
#include "sched/sched.h"
#include "sched/world.h"

enum {
    SLICE_BYTES = 64 * 1024,
    SLICES_PER_TURN = 16, // of a dedicated worker: some milliseconds
};

size_t lg__gc_mark_slice(struct gc *gc, size_t budget_bytes)
{
    lg__world_checkpoint(lg__m());
    lg__nostop_enter();
    size_t done = 0;
    struct gc_p *gp = lg__gc_p(lg__m());
    // The phase is looked at with the flag set: it does not change from here on.
    if (gp && lg__gc_is_marking(gc)) {
        done = lg__mark_some(gc, gp, budget_bytes);
        if (done == 0 && !lg__world_is_wanted(gc->rt)) {
            done = lg__gc_flush_outside(gc) || lg__scan_some(gc->rt);
        }
    }
    lg__nostop_leave();
    return done;
}

static bool is_there_work(struct gc *gc)
{
    return lg__gc_is_marking(gc) &&
           (lg__pool_has_work(&gc->pool) || !lg__scan_is_done(gc->rt));
}

// Waits until lg__gc_idle_worker() wants this one.
static void wait_for_idleness(struct gc_worker *w)
{
    struct gc *gc = w->gc;
    lg_ticket ticket = lg_park_arm();
    lg__lock(&gc->lock, RANK_GC);
    w->ticket = ticket;
    w->next_idle = gc->idle_workers;
    gc->idle_workers = w;
    // relaxed: a hint for those with nothing to do
    atomic_store_explicit(&gc->has_idle_worker, true, memory_order_relaxed);
    lg__unlock(&gc->lock, RANK_GC);
    lg_park("GC worker (idle)", LG_NEVER);
}

static void mark_while_idle(struct gc *gc)
{
    int64_t since_ns = lg__clock_cpu();
    while (lg__gc_mark_slice(gc, SLICE_BYTES) > 0 && !lg__has_work(gc->rt)) {
    }
    // relaxed: a figure
    atomic_fetch_add_explicit(&gc->idle_ns, lg__clock_cpu() - since_ns,
                              memory_order_relaxed);
}

static void mark_dedicated(struct gc *gc)
{
    for (bool has_more = true; has_more; lg_yield()) {
        int64_t since_ns = lg__clock_cpu();
        for (int i = 0; i < SLICES_PER_TURN && has_more; i++) {
            size_t done = lg__gc_mark_slice(gc, SLICE_BYTES);
            lg__pace_add_credit(&gc->pace, done);
            has_more = done > 0;
        }
        // relaxed: a figure
        atomic_fetch_add_explicit(&gc->dedicated_ns, lg__clock_cpu() - since_ns,
                                  memory_order_relaxed);
    }
}

static void worker_main(void *arg)
{
    struct gc_worker *w = arg;
    struct gc *gc = w->gc;
    for (;;) {
        wait_for_idleness(w);
        if (w->is_dedicated) {
            mark_dedicated(gc);
        } else {
            mark_while_idle(gc);
        }
    }
}

static bool start_worker(struct gc *gc)
{
    const struct alloc *alloc = &gc->rt->alloc;
    struct gc_worker *w = lg__alloc_new(alloc, sizeof *w);
    if (!w) {
        return false;
    }
    w->gc = gc;
    if (lg__go_system(gc->rt, SYSTEM_COLLECTOR, worker_main, w, "GC worker") != LG_OK) {
        lg__alloc_free(alloc, w, sizeof *w);
        return false;
    }
    w->next_made = gc->workers;
    gc->workers = w;
    gc->nworkers++;
    return true;
}

void lg__gc_workers_start(struct gc *gc)
{
    while (gc->nworkers < lg__nprocs(gc->rt) && start_worker(gc)) {
    }
}

// Takes one that waits. False: none does.
static bool take_idle(struct gc *gc, bool is_dedicated, lg_ticket *out)
{
    lg__lock(&gc->lock, RANK_GC);
    struct gc_worker *w = gc->idle_workers;
    if (w) {
        gc->idle_workers = w->next_idle;
        w->is_dedicated = is_dedicated;
        *out = w->ticket;
    }
    // relaxed: a hint
    atomic_store_explicit(&gc->has_idle_worker, gc->idle_workers != NULL,
                          memory_order_relaxed);
    lg__unlock(&gc->lock, RANK_GC);
    return w != NULL;
}

void lg__gc_workers_help(struct gc *gc)
{
    lg_ticket ticket;
    uint32_t wanted = (lg__nprocs(gc->rt) + 2) / 4; // a quarter, rounded
    for (uint32_t n = 1; n < wanted && take_idle(gc, true, &ticket); n++) {
        lg_ready(ticket);
    }
}

// Ends the wait of a worker, which then stands in no queue; NULL: it has not gone to
// sleep yet, and finds a queue by itself.
static struct lg_g *rouse(lg_ticket ticket)
{
    struct lg_g *g = ticket.g;
    if (!lg__wait_claim(&g->wait, ticket.wait, WAKE_READY, 0) ||
        !lg__wait_deliver(&g->wait)) {
        return NULL;
    }
    lg__g_set_status(g, LG_WAITING, LG_RUNNABLE);
    return g;
}

struct lg_g *lg__gc_idle_worker(struct lg_runtime *rt, struct p *p)
{
    (void)p;
    struct gc *gc = lg__gc(rt);
    // relaxed: hints
    if (!atomic_load_explicit(&gc->has_idle_worker, memory_order_relaxed) ||
        atomic_load_explicit(&gc->is_manual, memory_order_relaxed) ||
        !is_there_work(gc)) {
        return NULL;
    }
    lg_ticket ticket;
    return take_idle(gc, false, &ticket) ? rouse(ticket) : NULL;
}

void lg__gc_workers_fini(struct gc *gc)
{
    while (gc->workers) {
        struct gc_worker *w = gc->workers;
        gc->workers = w->next_made;
        lg__alloc_free(&gc->rt->alloc, w, sizeof *w);
    }
}
