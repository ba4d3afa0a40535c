// SPDX-License-Identifier: MIT
#include "gc/cycle.h"

#include "gc/gc.h"
#include "gc/gclog.h"
#include "gc/mark.h"
#include "gc/newobject.h"
#include "gc/sweep.h"
#include "gc/verify.h"
#include "gc/worker.h"
#include "os/clock.h"
#include "os/suspend.h"
#include "sched/scan.h"
#include "sched/tracepoint.h"
#include "sched/world.h"

enum {
    SLICE_BYTES = 64 * 1024, // marked between two looks at the clock
    // What is left when marking looks finished is done while the world is stopped,
    // for so long; else the cycle goes back to marking.
    LAST_NS = 50 * 1000,
    SWEEPS_PER_LOOK = 16,
    SWEEP_SHARE = 4, // of a turn's time
};

// ---------------------------------------------------------------------------
// The world stopped
// ---------------------------------------------------------------------------

static void each_gc_p(struct gc *gc, void (*fn)(struct gc *gc, struct gc_p *gp))
{
    for (uint32_t i = 0; i < lg__nps(gc->rt); i++) {
        struct gc_p *gp = lg__gc_of(lg__p_at(gc->rt, i));
        if (gp) {
            fn(gc, gp);
        }
    }
    fn(gc, &gc->outside_p);
}

static void set_marking(struct gc *gc, bool is_marking)
{
    if (is_marking) {
        uint8_t epoch = (uint8_t)(MARK_EPOCHS - lg__gc_epoch(gc));
        // relaxed: published by the flag
        atomic_store_explicit(&gc->epoch, epoch, memory_order_relaxed);
    }
    // release: pairs with the acquire in lg__gc_is_marking()
    atomic_store_explicit(&gc->rt->is_marking, is_marking, memory_order_release);
}

// Handles and roots are changed by threads that do not stop with the world. Whoever
// changes one has its lock, and so does not see the phase change meanwhile.
static void lock_out_hosts(struct gc *gc) LG_UNCHECKED_LOCKING
{
    lg__lock(&gc->handles.lock, RANK_HANDLES);
    lg__lock(&gc->roots.lock, RANK_ROOTS);
}

static void let_hosts_in(struct gc *gc) LG_UNCHECKED_LOCKING
{
    lg__unlock(&gc->roots.lock, RANK_ROOTS);
    lg__unlock(&gc->handles.lock, RANK_HANDLES);
}

static void begin_p(struct gc *gc, struct gc_p *gp)
{
    (void)gc;
    gp->is_marking = true;
    gp->credit = 0;
    lg__holes_blacken(gp);
}

static void end_p(struct gc *gc, struct gc_p *gp)
{
    (void)gc;
    gp->is_marking = false;
    lg__holes_give_up(gp);
}

static void flush_p(struct gc *gc, struct gc_p *gp)
{
    lg__work_flush(gc, &gp->work);
}

// Called by whichever M scans a stack, and for channels.
static void visit_words(void *ud, const void *lo, const void *hi)
{
    struct gc *gc = ud;
    lg__lock(&gc->outside_lock, RANK_GC_OUT);
    lg__gc_shade_range(gc, &gc->outside, lo, hi);
    lg__unlock(&gc->outside_lock, RANK_GC_OUT);
}

static void begin(struct gc *gc, struct gc_cycle *c)
{
    int64_t since_ns = lg__clock_now();
    lg__world_stop(gc->rt);
    // relaxed: read by those whom the world's start lets go on
    c->number = atomic_fetch_add_explicit(&gc->cycle, 1, memory_order_relaxed) + 1;
    c->begin_ns = since_ns;
    c->heap_begin = atomic_load_explicit(&gc->pace.heap_live, memory_order_relaxed);
    c->goal = atomic_load_explicit(&gc->pace.goal, memory_order_relaxed);
    lg__gc_verify(gc, VERIFY_SWEPT);
    lock_out_hosts(gc);
    set_marking(gc, true);
    lg__pace_begin(gc);
    each_gc_p(gc, begin_p);
    let_hosts_in(gc);
    lg__scan_begin(gc->rt, visit_words, gc);
    lg__world_start(gc->rt);
    c->stop_ns[0] = lg__clock_now() - since_ns;
    lg__trace_beside(gc->rt, TIMELINE_STOPPED, NULL, (uint64_t)c->stop_ns[0],
                     STOP_TO_BEGIN);
}

// How much has been marked, ever.
static struct gc_totals totals(struct gc *gc)
{
    // relaxed: figures; exact where the world is stopped
    struct gc_totals total = {
        .idle_ns = atomic_load_explicit(&gc->idle_ns, memory_order_relaxed),
        .dedicated_ns = atomic_load_explicit(&gc->dedicated_ns, memory_order_relaxed)};
    for (uint32_t i = 0; i < lg__nps(gc->rt); i++) {
        struct gc_p *gp = lg__gc_of(lg__p_at(gc->rt, i));
        if (gp) {
            total.marked +=
                (int64_t)atomic_load_explicit(&gp->marked_bytes, memory_order_relaxed);
            total.assist_ns += atomic_load_explicit(&gp->assist_ns, memory_order_relaxed);
        }
    }
    return total;
}

// Marks what the Ps' buffers still hold, if it is little. The world is stopped.
// False: there is more.
static bool mark_rest(struct gc *gc, int64_t since_ns)
{
    struct gc_p *gp = lg__gc_of(lg__m()->p);
    each_gc_p(gc, flush_p);
    lg__gc_flush_outside(gc);
    if (!gp) { // there was no memory for it
        return !lg__pool_has_work(&gc->pool) &&
               !atomic_load_explicit(&gc->has_overflown, memory_order_relaxed);
    }
    // relaxed: the world is stopped
    if (atomic_exchange_explicit(&gc->has_overflown, false, memory_order_relaxed)) {
        lg__mark_again(gc, &gp->work);
        lg__work_flush(gc, &gp->work);
    }
    while (lg__pool_has_work(&gc->pool) &&
           !atomic_load_explicit(&gc->has_overflown, memory_order_relaxed)) {
        lg__mark_some(gc, gp, SLICE_BYTES);
        if (lg__clock_now() - since_ns > LAST_NS) {
            break;
        }
    }
    return !lg__pool_has_work(&gc->pool) &&
           !atomic_load_explicit(&gc->has_overflown, memory_order_relaxed);
}

static void finish(struct gc *gc, struct gc_cycle *c)
{
    lg__gc_verify(gc, VERIFY_MARKED);
    lock_out_hosts(gc);
    set_marking(gc, false);
    each_gc_p(gc, end_p);
    for (struct node *node = gc->families.all.first; node; node = node->next) {
        lg__family_unsweep(LG_CONTAINER_OF(node, struct gc_family, node));
    }
    let_hosts_in(gc);
    lg__scan_end(gc->rt);
    struct gc_totals total = totals(gc);
    c->stack_bytes = (int64_t)lg__scan_bytes(gc->rt);
    c->root_bytes = (int64_t)(lg__roots_bytes(&gc->roots) +
                              lg__handles_count(&gc->handles) * sizeof(void *));
    c->mark_cpu_ns += total.dedicated_ns - gc->before.dedicated_ns;
    c->assist_cpu_ns = total.assist_ns - gc->before.assist_ns;
    c->idle_cpu_ns = total.idle_ns - gc->before.idle_ns;
    c->heap_end = atomic_load_explicit(&gc->pace.heap_live, memory_order_relaxed);
    lg__pace_end(gc, total.marked - gc->before.marked, c->stack_bytes + c->root_bytes,
                 c->mark_cpu_ns + c->assist_cpu_ns);
    c->heap_marked = atomic_load_explicit(&gc->pace.marked, memory_order_relaxed);
    gc->before = total;
}

// Stops the world to see whether marking is over, and ends it then.
static bool try_finish(struct gc *gc, struct gc_cycle *c)
{
    lg__gc_p(lg__m()); // made while others may still have to do with the allocator
    int64_t since_ns = lg__clock_now();
    lg__world_stop(gc->rt);
    bool is_over = lg__scan_is_done(gc->rt) && mark_rest(gc, since_ns);
    if (is_over) {
        c->mark_ns = since_ns - c->begin_ns - c->stop_ns[0];
        finish(gc, c);
    }
    lg__world_start(gc->rt);
    int64_t took_ns = lg__clock_now() - since_ns;
    lg__trace_beside(gc->rt, TIMELINE_STOPPED, NULL, (uint64_t)took_ns, STOP_TO_FINISH);
    c->stop_ns[1] = took_ns > c->stop_ns[1] ? took_ns : c->stop_ns[1];
    return is_over;
}

// ---------------------------------------------------------------------------
// Marking, beside the program
// ---------------------------------------------------------------------------

static void shade_obj(void *ud, void *obj)
{
    lg__gc_shade_outside(ud, obj);
}

static void shade_words(void *ud, const char *name, void **words, size_t n)
{
    (void)name;
    for (size_t i = 0; i < n; i++) {
        // relaxed: what changes meanwhile is shaded by who changes it
        lg__gc_shade_outside(ud, __atomic_load_n(&words[i], __ATOMIC_RELAXED));
    }
}

static void shade_children(void *ud, void *obj)
{
    struct gc *gc = ud;
    lg__lock(&gc->outside_lock, RANK_GC_OUT);
    lg__gc_shade_children(gc, &gc->outside, obj);
    lg__unlock(&gc->outside_lock, RANK_GC_OUT);
}

static void mark_roots(struct gc *gc)
{
    lg__handles_visit(&gc->handles, shade_obj, gc);
    lg__roots_visit(&gc->roots, shade_words, gc);
    lg__specials_visit_finalizers(&gc->specials, shade_children, gc);
    lg__specials_visit_queue(&gc->specials, shade_obj, gc);
    gc->visit_chans(gc->rt, visit_words, gc);
    lg__gc_flush_outside(gc);
}

// False: there was nothing to mark.
static bool mark_for(struct gc *gc, struct gc_cycle *c, int64_t max_ns)
{
    int64_t since_ns = lg__clock_cpu();
    int64_t worked_ns = 0;
    size_t done;
    do {
        done = lg__gc_mark_slice(gc, SLICE_BYTES);
        lg__pace_add_credit(&gc->pace, done);
        worked_ns = lg__clock_cpu() - since_ns;
    } while (done > 0 && worked_ns < max_ns);
    c->mark_cpu_ns += worked_ns;
    lg__pace_revise(gc, totals(gc).marked - gc->before.marked);
    return done > 0;
}

static bool looks_finished(struct gc *gc)
{
    // seq_cst: pairs with mark.c:lg__mark_some(). Whoever marks has been counted
    // before, and puts what is left into the pool before it is not any more
    return atomic_load_explicit(&gc->nmarking, memory_order_seq_cst) == 0 &&
           !lg__pool_has_work(&gc->pool) && lg__scan_is_done(gc->rt);
}

static enum cycle_turn mark(struct gc *gc, struct gc_cycle *c, int64_t max_ns)
{
    if (!looks_finished(gc)) {
        return mark_for(gc, c, max_ns) ? TURN_MARKED : TURN_IDLE;
    }
    if (try_finish(gc, c)) {
        c->phase = CYCLE_SWEEPS;
        lg__trace(gc->rt, LG_TRACE_GC_SWEEP, NULL, c->number, NULL);
        lg__stage_reach(gc, c->number, GC_MARKED);
        lg__gclog_add(gc, c);
    }
    return TURN_WORKED;
}

// ---------------------------------------------------------------------------
// The other phases
// ---------------------------------------------------------------------------

// False: all is swept.
static bool sweep_for(struct gc *gc, int64_t max_ns)
{
    int64_t since_ns = lg__clock_now();
    bool has_more = true;
    do {
        lg__world_checkpoint(lg__m());
        lg__nostop_enter();
        for (int i = 0; i < SWEEPS_PER_LOOK && has_more; i++) {
            has_more = lg__sweep_some(gc);
        }
        lg__nostop_leave();
    } while (has_more && lg__clock_now() - since_ns < max_ns / SWEEP_SHARE);
    return has_more;
}

// Whether a cycle is wanted, which from now on is under way.
static bool take_request(struct gc *gc, struct gc_cycle *c)
{
    lg__lock(&gc->lock, RANK_GC);
    bool is_forced = gc->nforced > 0;
    bool is_wanted = gc->is_requested || is_forced;
    gc->is_requested = false;
    gc->nforced = 0;
    gc->is_cycling |= is_wanted;
    lg__unlock(&gc->lock, RANK_GC);
    if (is_wanted) {
        lg__trace_beside(gc->rt, TIMELINE_GC_PREPARE, NULL, 0, 0);
        *c = (struct gc_cycle){.is_forced = is_forced, .phase = CYCLE_PREPARES};
    }
    return is_wanted;
}

// Sweeps what the last cycle may have left, and begins.
static void prepare(struct gc *gc, struct gc_cycle *c, int64_t max_ns)
{
    if (sweep_for(gc, max_ns)) {
        return;
    }
    // relaxed: a hint
    bool is_manual = atomic_load_explicit(&gc->is_manual, memory_order_relaxed);
    if (!is_manual) {
        lg__gc_workers_start(gc);
    }
    lg__pace_measure(gc);
    begin(gc, c);
    c->phase = CYCLE_MARKS;
    lg__trace(gc->rt, LG_TRACE_GC_BEGIN, NULL, c->number, NULL);
    lg__stage_reach(gc, c->number, GC_BEGUN);
    int64_t since_ns = lg__clock_cpu();
    mark_roots(gc);
    if (!is_manual) {
        lg__gc_workers_help(gc);
    }
    c->mark_cpu_ns = lg__clock_cpu() - since_ns;
}

static void end(struct gc *gc, struct gc_cycle *c)
{
    lg__pace_obey_limit(gc);
    c->phase = CYCLE_OFF;
    lg__lock(&gc->lock, RANK_GC);
    gc->is_cycling = false;
    lg__unlock(&gc->lock, RANK_GC);
    lg__trace(gc->rt, LG_TRACE_GC_END, NULL, c->number, NULL);
    lg__stage_reach(gc, c->number, GC_SWEPT);
}

static enum cycle_turn turn(struct gc *gc, struct gc_cycle *c, int64_t max_ns)
{
    switch (c->phase) {
    case CYCLE_OFF: return take_request(gc, c) ? TURN_WORKED : TURN_OVER;
    case CYCLE_PREPARES: prepare(gc, c, max_ns); return TURN_WORKED;
    case CYCLE_MARKS: return mark(gc, c, max_ns);
    case CYCLE_SWEEPS:
        if (!sweep_for(gc, max_ns)) {
            end(gc, c);
        }
        return TURN_WORKED;
    }
    return TURN_OVER;
}

enum cycle_turn lg__cycle_turn(struct gc *gc, int64_t max_ns)
{
    bool is_taken = false;
    // acquire: pairs with the release below; what the last turn has done is seen
    if (!atomic_compare_exchange_strong_explicit(
            &gc->has_turn, &is_taken, true, memory_order_acquire, memory_order_relaxed)) {
        return TURN_TAKEN;
    }
    enum cycle_turn how = turn(gc, &gc->current, max_ns);
    // release: pairs with the acquire above
    atomic_store_explicit(&gc->has_turn, false, memory_order_release);
    return how;
}
