// SPDX-License-Identifier: MIT
#include "gc/pace.h"

#include "gc/coordinator.h"
#include "gc/gc.h"
#include "gc/mark.h"
#include "mem/scavenge.h"
#include "os/clock.h"
#include "os/suspend.h"
#include "sched/order.h"
#include "sched/sched.h"
#include "sched/world.h"

enum {
    HEAP_MIN = LG_SIZED(8 * 1024 * 1024, 64 * 1024), // of the goal, at 100 %
    ASSIST_MIN = 32 * 1024, // marked at a time by who owes anything
    RATIO_ONE = 256,
};

// Of CPU time that cycles may take beyond their half, for each P.
static const int64_t BUCKET_NS = 1000 * 1000 * 1000;

// A setting or an estimate: nothing else depends on it.
#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)
#define ADD(field, value) \
    atomic_fetch_add_explicit(&(field), (value), memory_order_relaxed)

void lg__pace_init(struct gc *gc)
{
    gc->pace.end_ns = lg__clock_now();
    const lg_options *options = &gc->rt->options;
    struct gc_pace *pace = &gc->pace;
    STORE(pace->percent, options->gc_percent ? options->gc_percent : 100);
    STORE(pace->limit,
          options->mem_limit_bytes > 0 ? options->mem_limit_bytes : LG_MEM_NO_LIMIT);
    pace->is_stress = options->gc_stress;
    lg__pace_set_cap(gc, options->mem_cap_bytes > 0 ? options->mem_cap_bytes
                                                    : LG_MEM_NO_LIMIT);
    lg__pace_set_goal(gc);
}

int64_t lg__pace_limit(const struct gc_pace *pace)
{
    int64_t limit = LOAD(pace->limit);
    int64_t cap_limit = LOAD(pace->cap_limit);
    return limit < cap_limit ? limit : cap_limit;
}

void lg__pace_set_cap(struct gc *gc, int64_t cap_bytes)
{
    bool has_cap = cap_bytes != LG_MEM_NO_LIMIT;
    lg__heap_set_cap(gc->heap, has_cap ? (size_t)cap_bytes : SIZE_MAX);
    STORE(gc->pace.cap_limit, has_cap ? cap_bytes - cap_bytes / 8 : LG_MEM_NO_LIMIT);
}

// ---------------------------------------------------------------------------
// Accounts
// ---------------------------------------------------------------------------

// Only the owner of a P writes its figures.
static void count(_Atomic uint64_t *figure, uint64_t more)
{
    STORE(*figure, LOAD(*figure) + more);
}

void lg__pace_claimed(struct gc *gc, struct gc_p *gp, uint32_t nobjects, size_t bytes)
{
    count(&gp->allocated, nobjects);
    count(&gp->allocated_bytes, bytes);
    ADD(gc->pace.heap_live, (int64_t)bytes);
    if (gp->is_marking) {
        ADD(gc->pace.black, (int64_t)bytes);
    }
}

void lg__pace_unclaimed(struct gc_p *gp, uint32_t nobjects, size_t bytes)
{
    count(&gp->allocated, -(uint64_t)nobjects);
    count(&gp->allocated_bytes, -(uint64_t)bytes);
    ADD(gp->gc->pace.heap_live, -(int64_t)bytes);
    ADD(gp->gc->pace.black, -(int64_t)bytes);
}

void lg__pace_blackened(struct gc_pace *pace, size_t bytes)
{
    ADD(pace->black, (int64_t)bytes);
}

void lg__pace_freed(struct gc_pace *pace, uint32_t nobjects, size_t bytes)
{
    ADD(pace->freed, nobjects);
    ADD(pace->freed_bytes, bytes);
}

void lg__pace_add_credit(struct gc_pace *pace, size_t bytes)
{
    ADD(pace->credit, (int64_t)bytes);
}

// ---------------------------------------------------------------------------
// Goals
// ---------------------------------------------------------------------------

static int64_t goal_by_percent(const struct gc_pace *pace, int percent)
{
    if (percent == LG_GC_OFF) {
        return INT64_MAX;
    }
    double base = (double)(LOAD(pace->marked) + pace->scanned);
    double goal = (double)LOAD(pace->marked) + base * percent / 100;
    double least = (double)HEAP_MIN * percent / 100;
    goal = goal > least ? goal : least;
    return goal < (double)(INT64_MAX / 2) ? (int64_t)goal : INT64_MAX;
}

// What the limit leaves for collected objects, less 3 % for what comes between two
// looks at the figures. Their spans hold mark bytes beside (a sixteenth), and free
// slots that no P has come to.
static int64_t goal_by_limit(const struct gc_pace *pace)
{
    int64_t limit = lg__pace_limit(pace);
    if (limit == LG_MEM_NO_LIMIT) {
        return INT64_MAX;
    }
    int64_t spans = (limit - limit / 32 - LOAD(pace->others)) / 17 * 16;
    int64_t goal = spans - LOAD(pace->slack);
    int64_t least = LOAD(pace->marked) + LOAD(pace->marked) / 16;
    return goal > least ? goal : least;
}

void lg__pace_measure(struct gc *gc)
{
    struct gc_pace *pace = &gc->pace;
    if (lg__pace_limit(pace) == LG_MEM_NO_LIMIT) {
        return;
    }
    struct heap *heap = gc->heap;
    int64_t collected = (int64_t)(LOAD(heap->nspanned[SPAN_COLLECTED]) << PAGE_SHIFT);
    int64_t idle = (int64_t)(LOAD(heap->nidle) << PAGE_SHIFT);
    int64_t slack = collected - LOAD(pace->heap_live);
    STORE(pace->others, (int64_t)lg__gc_total_bytes(gc) - collected - idle);
    STORE(pace->slack, slack > 0 ? slack : 0);
}

void lg__pace_obey_limit(struct gc *gc)
{
    int64_t limit = lg__pace_limit(&gc->pace);
    if (limit == LG_MEM_NO_LIMIT) {
        return;
    }
    int64_t over = (int64_t)lg__gc_total_bytes(gc) - (limit - limit / 32);
    if (over > 0) {
        lg__heap_empty_caches(gc->heap);
        lg__heap_release(gc->heap, (size_t)over / PAGE_BYTES + 1);
    }
}

static int64_t trigger_for(const struct gc_pace *pace, int64_t goal)
{
    if (goal == INT64_MAX) {
        return INT64_MAX;
    }
    int64_t way = goal - LOAD(pace->marked);
    int64_t earliest = LOAD(pace->marked) + way / 10 * 7;
    int64_t latest = LOAD(pace->marked) + way / 20 * 19;
    int64_t trigger = goal - pace->runway;
    return trigger < earliest ? earliest : trigger > latest ? latest : trigger;
}

void lg__pace_set_goal(struct gc *gc)
{
    struct gc_pace *pace = &gc->pace;
    int64_t by_percent = goal_by_percent(pace, LOAD(pace->percent));
    int64_t by_limit = goal_by_limit(pace);
    int64_t goal = by_percent < by_limit ? by_percent : by_limit;
    STORE(pace->goal, goal);
    STORE(pace->trigger, trigger_for(pace, goal));
}

bool lg__pace_is_automatic(struct gc *gc)
{
    return LOAD(gc->pace.trigger) != INT64_MAX;
}

bool lg__pace_is_worthwhile(struct gc *gc)
{
    struct gc_pace *pace = &gc->pace;
    int64_t trigger = LOAD(pace->trigger);
    if (trigger == INT64_MAX) {
        trigger = trigger_for(pace, goal_by_percent(pace, 100));
    }
    int64_t marked = LOAD(pace->marked);
    return LOAD(pace->heap_live) > marked + (trigger - marked) / 2;
}

void lg__pace_begin(struct gc *gc)
{
    struct gc_pace *pace = &gc->pace;
    int64_t live = LOAD(pace->heap_live);
    // What was alive last time, and half of what has come since.
    pace->expected = live / 2 > LOAD(pace->marked) ? live / 2 : LOAD(pace->marked);
    STORE(pace->black, 0);
    STORE(pace->credit, 0);
    lg__pace_revise(gc, 0);
}

void lg__pace_revise(struct gc *gc, int64_t marked)
{
    struct gc_pace *pace = &gc->pace;
    int64_t live = LOAD(pace->heap_live);
    int64_t goal = LOAD(pace->goal);
    int64_t rest = pace->expected - marked;
    if (rest < live / 16) {
        rest = live / 16; // it was more than expected
    }
    int64_t way = goal - live;
    if (way < live / 32) {
        way = live / 32; // over the goal: it shall not grow by much more
    }
    if (way < 1) {
        way = 1;
    }
    int64_t ratio = rest > INT64_MAX / RATIO_ONE ? INT64_MAX : rest * RATIO_ONE / way;
    STORE(pace->ratio, (uint32_t)(ratio < 64 * RATIO_ONE ? ratio : 64 * RATIO_ONE));
}

// What the cycles have used beyond half of all CPU time gathers in a bucket. While the
// memory limit is what makes them follow each other, and the bucket is full, the next
// one waits until it has drained a little. After Go's limiter (runtime/mgclimit.go).
static void limit_cpu(struct gc *gc, int64_t gc_cpu_ns)
{
    struct gc_pace *pace = &gc->pace;
    int64_t nprocs = (int64_t)lg__nprocs(gc->rt);
    int64_t now_ns = lg__clock_now();
    int64_t room_ns = BUCKET_NS * nprocs;
    pace->bucket_ns += gc_cpu_ns - (now_ns - pace->end_ns) * nprocs / 2;
    pace->bucket_ns = pace->bucket_ns > 0 ? pace->bucket_ns : 0;
    pace->end_ns = now_ns;
    int64_t over_ns = pace->bucket_ns - room_ns;
    bool must_wait =
        over_ns > 0 && goal_by_limit(pace) < goal_by_percent(pace, LOAD(pace->percent));
    STORE(pace->not_before_ns, must_wait ? now_ns + 2 * over_ns / nprocs : 0);
}

void lg__pace_end(struct gc *gc, int64_t marked, int64_t scanned, int64_t gc_cpu_ns)
{
    struct gc_pace *pace = &gc->pace;
    int64_t black = LOAD(pace->black);
    STORE(pace->marked, marked + black);
    pace->scanned = scanned;
    pace->runway = (pace->runway + black) / 2;
    STORE(pace->heap_live, LOAD(pace->marked));
    lg__pace_set_goal(gc);
    limit_cpu(gc, gc_cpu_ns);
}

// ---------------------------------------------------------------------------
// Before an allocation
// ---------------------------------------------------------------------------

// Takes credit for what is owed.
static void take_credit(struct gc_pace *pace, struct gc_p *gp)
{
    int64_t there = LOAD(pace->credit);
    while (there > 0 && gp->credit < 0) {
        int64_t taken = there < -gp->credit ? there : -gp->credit;
        if (atomic_compare_exchange_weak_explicit(&pace->credit, &there, there - taken,
                                                  memory_order_relaxed,
                                                  memory_order_relaxed)) {
            gp->credit += taken;
        }
    }
}

// Marks for what is allocated. Returns false if there was nothing to mark: then the
// cycle waits for its end, or for others who mark.
static bool assist(struct gc *gc, struct m *m, size_t size_bytes)
{
    lg__nostop_enter();
    struct gc_p *gp = lg__gc_p(m);
    bool has_helped = true;
    if (gp && gp->is_marking) {
        gp->credit -= (int64_t)size_bytes * LOAD(gc->pace.ratio) / RATIO_ONE;
        take_credit(&gc->pace, gp);
        if (gp->credit < 0) {
            size_t owed = (size_t)-gp->credit;
            int64_t since_ns = lg__clock_cpu();
            size_t done = lg__mark_some(gc, gp, owed > ASSIST_MIN ? owed : ASSIST_MIN);
            STORE(gp->assist_ns, LOAD(gp->assist_ns) + lg__clock_cpu() - since_ns);
            gp->credit += (int64_t)done;
            has_helped = done > 0;
        }
    }
    lg__nostop_leave();
    return has_helped;
}

static bool is_due(struct gc *gc)
{
    struct gc_pace *pace = &gc->pace;
    int64_t not_before_ns = LOAD(pace->not_before_ns);
    return LOAD(pace->heap_live) >= LOAD(pace->trigger) &&
           (not_before_ns == 0 || lg__clock_now() >= not_before_ns);
}

void lg__pace_before(struct gc *gc, size_t size_bytes)
{
    struct m *m = lg__m();
    lg__world_checkpoint(m);
    bool is_native = m->g && !m->g->strand; // else a scripted one, or a timer's function
    if (LG_UNLIKELY(gc->pace.is_stress) && is_native) {
        lg_gc(gc->rt);
        return;
    }
    bool must_yield = false;
    if (lg__gc_is_marking(gc)) {
        must_yield = !assist(gc, m, size_bytes);
    } else if (LG_UNLIKELY(gc->pace.is_stress || is_due(gc))) { // cannot wait for it
        lg__gc_request(gc);
        must_yield = true;
    }
    // The collector's goroutine may wait for this P, or for one that has no CPU. A
    // scripted goroutine cannot stand aside here; its strand looks at the queue soon.
    if (must_yield && is_native) {
        if (lg__order_is_kept(gc->rt) && !lg__order_is_beside(m, NULL)) {
            lg__sched_give_way(); // the whole cycle runs
        } else if (LOAD(gc->pace.heap_live) > LOAD(gc->pace.goal)) {
            lg__gc_stall(gc);
        } else {
            lg_yield();
        }
    }
}
