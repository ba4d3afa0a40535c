// SPDX-License-Identifier: MIT
#include "sched/carrier.h"

#include "os/clock.h"
#include "os/cpu.h"
#include "sched/idle.h"
#include "sched/park.h"
#include "sched/runtime.h"

// Longer than a CPU reads ahead of itself.
enum { READ_AHEAD_NS = 1000 };

// A clock's straight line.
struct line {
    int64_t from_ns;
    int64_t base_ns;
    double pace;
};

static int64_t system_now(struct lg_runtime *rt)
{
    return rt->options.clock ? rt->options.clock(rt->options.clock_ud) : lg__clock_now();
}

// ---------------------------------------------------------------------------
// Reading
// ---------------------------------------------------------------------------

static int64_t bounded(double ns)
{
    return ns < (double)(LG_NEVER / 2) ? (int64_t)ns : LG_NEVER / 2;
}

// What the clock shows when its parent shows at_ns.
static int64_t shown(const struct line *line, int64_t at_ns)
{
    int64_t passed_ns = at_ns - line->from_ns;
    return line->base_ns +
           (line->pace == 1.0 ? passed_ns : bounded((double)passed_ns * line->pace));
}

// The first that the parent shows when the clock shows when_ns or more.
static int64_t parents(const struct line *line, int64_t when_ns)
{
    if (when_ns <= line->base_ns) {
        return line->from_ns;
    }
    int64_t ahead_ns = when_ns - line->base_ns;
    if (line->pace <= 0 || when_ns == LG_NEVER) {
        return LG_NEVER;
    }
    if (line->pace != 1.0) {
        ahead_ns = bounded((double)ahead_ns / line->pace);
    }
    if (ahead_ns >= LG_NEVER - 1 - line->from_ns) {
        return LG_NEVER;
    }
    int64_t at_ns = line->from_ns + ahead_ns;
    return shown(line, at_ns) < when_ns ? at_ns + 1 : at_ns;
}

// The line, if nobody is changing it. Its first use is 0, when it is not to be looked at.
static bool try_line(struct lg_clock *clock, uint32_t *seq, struct line *out)
{
    // acquire: pairs with the release that ends a change; the line is written
    *seq = atomic_load_explicit(&clock->seq, memory_order_acquire);
    // acquire, all three: the second look at seq comes after; pair with the releases in
    // change_locked(): who sees a new value sees that seq is odd, or later
    out->from_ns = atomic_load_explicit(&clock->from_ns, memory_order_acquire);
    out->base_ns = atomic_load_explicit(&clock->base_ns, memory_order_acquire);
    out->pace = atomic_load_explicit(&clock->pace, memory_order_acquire);
    return (*seq & 1U) == 0;
}

static bool is_unchanged(struct lg_clock *clock, uint32_t seq)
{
    // relaxed: the loads before were acquires
    return atomic_load_explicit(&clock->seq, memory_order_relaxed) == seq;
}

static int64_t parent_now(struct lg_clock *clock)
{
    return clock->parent ? lg__clock_read(clock->parent) : system_now(clock->rt);
}

// The depth is bounded by LG_CLOCK_DEPTH_MAX.
// NOLINTNEXTLINE(misc-no-recursion)
int64_t lg__clock_read(struct lg_clock *clock)
{
    for (;; lg__cpu_pause()) {
        struct line line;
        uint32_t seq;
        bool is_whole = try_line(clock, &seq, &line);
        int64_t at_ns = parent_now(clock);
        if (is_whole && is_unchanged(clock, seq)) {
            return seq == 0 ? at_ns : shown(&line, at_ns);
        }
    }
}

int64_t lg__now(struct lg_runtime *rt)
{
    int64_t now_ns = system_now(rt);
    // relaxed: still 0, it was so when the time was read, and that comes before all that a
    // change does (change_locked())
    if (LG_UNLIKELY(atomic_load_explicit(&rt->clock.seq, memory_order_relaxed) != 0)) {
        now_ns = lg__clock_read(&rt->clock);
    }
    // relaxed: a figure
    atomic_store_explicit(&rt->now_ns, now_ns, memory_order_relaxed);
    return now_ns;
}

int64_t lg__clock_left(struct lg_runtime *rt, int64_t when_ns)
{
    struct lg_clock *clock = &rt->clock;
    for (;; lg__cpu_pause()) {
        struct line line;
        uint32_t seq;
        bool is_whole = try_line(clock, &seq, &line);
        if (is_whole && is_unchanged(clock, seq)) {
            int64_t at_ns = seq == 0 ? when_ns : parents(&line, when_ns);
            int64_t left_ns = at_ns == LG_NEVER ? LG_NEVER : at_ns - system_now(rt);
            return left_ns > 0 ? left_ns : 0;
        }
    }
}

bool lg__clock_was_changed(struct lg_runtime *rt)
{
    // seq_cst: who asks has told the collector's door before, or the change will
    return atomic_load_explicit(&rt->clock.seq, memory_order_seq_cst) != 0;
}

static struct line line_locked(struct lg_clock *clock) LG_REQUIRES(clock->rt->clocks.lock)
{
    // relaxed: written under the lock
    return (struct line){
        .from_ns = atomic_load_explicit(&clock->from_ns, memory_order_relaxed),
        .base_ns = atomic_load_explicit(&clock->base_ns, memory_order_relaxed),
        .pace = atomic_load_explicit(&clock->pace, memory_order_relaxed)};
}

int64_t lg__clock_parents_locked(struct lg_clock *clock, int64_t when_ns)
    LG_REQUIRES(clock->rt->clocks.lock)
{
    struct line line = line_locked(clock);
    // relaxed: written under the lock
    bool was_changed = atomic_load_explicit(&clock->seq, memory_order_relaxed) != 0;
    return was_changed && when_ns != LG_NEVER ? parents(&line, when_ns) : when_ns;
}

// ---------------------------------------------------------------------------
// Life
// ---------------------------------------------------------------------------

static void prepare(struct lg_clock *clock, struct lg_runtime *rt)
{
    clock->rt = rt;
    clock->scale = 1.0;
    clock->armed_ns = LG_NEVER;
    clock->carrier.fn = lg__clock_on_due;
    clock->carrier.arg = clock;
    // relaxed: nobody else knows it yet
    atomic_store_explicit(&clock->pace, 1.0, memory_order_relaxed);
    atomic_store_explicit(&clock->nrefs, 1, memory_order_relaxed);
    lg__timers_init(&clock->timers);
}

void lg__clocks_init(struct lg_runtime *rt)
{
    prepare(&rt->clock, rt);
}

static void clock_free(struct lg_clock *clock)
{
    struct lg_runtime *rt = clock->rt;
    lg__timers_fini(&clock->timers, &rt->alloc);
    lg__alloc_free(&rt->alloc, clock, sizeof *clock);
}

void lg__clocks_fini(struct lg_runtime *rt)
{
    for (struct node *node; (node = lg__list_pop_front(&rt->clocks.all));) {
        clock_free(LG_CONTAINER_OF(node, struct lg_clock, node));
    }
}

lg_clock *lg_clock_of(lg_runtime *rt)
{
    return &rt->clock;
}

int lg_clock_new(lg_clock *parent, lg_clock **out)
{
    struct lg_runtime *rt = parent->rt;
    if (parent->depth + 1 >= LG_CLOCK_DEPTH_MAX) {
        return LG_EINVAL;
    }
    struct lg_clock *clock = lg__alloc_new(&rt->alloc, sizeof *clock);
    if (!clock) {
        return LG_ENOMEM;
    }
    prepare(clock, rt);
    lg_clock_retain(parent);
    clock->parent = parent;
    clock->depth = parent->depth + 1;
    lg__lock(&rt->clocks.lock, RANK_CLOCKS);
    // relaxed: changed under the lock
    int64_t frame_ns = atomic_load_explicit(&parent->frame_ns, memory_order_relaxed);
    atomic_store_explicit(&clock->frame_ns, frame_ns, memory_order_relaxed);
    lg__list_push_back(&rt->clocks.all, &clock->node);
    lg__unlock(&rt->clocks.lock, RANK_CLOCKS);
    *out = clock;
    return LG_OK;
}

void lg_clock_retain(lg_clock *clock)
{
    if (clock->parent) {
        // relaxed: who calls has a reference
        atomic_fetch_add_explicit(&clock->nrefs, 1, memory_order_relaxed);
    }
}

void lg_clock_release(lg_clock *clock)
{
    while (clock && clock->parent) {
        // acq_rel: who frees it comes after all that the others did with it
        if (atomic_fetch_sub_explicit(&clock->nrefs, 1, memory_order_acq_rel) != 1) {
            return;
        }
        struct lg_clock *parent = clock->parent;
        struct lg_runtime *rt = clock->rt;
        lg__lock(&rt->clocks.lock, RANK_CLOCKS);
        lg__list_remove(&rt->clocks.all, &clock->node);
        lg__timer_remove(&clock->carrier);
        bool is_held = clock->is_held;
        lg__unlock(&rt->clocks.lock, RANK_CLOCKS);
        lg__timer_await(&clock->carrier, lg__m());
        LG_ASSERT(lg__timers_next(&clock->timers) == LG_NEVER);
        clock_free(clock);
        if (is_held) {
            lg_release(rt);
        }
        clock = parent;
    }
}

// ---------------------------------------------------------------------------
// Changes
// ---------------------------------------------------------------------------

// Until nobody can have read the time later than now and seq earlier than that: a CPU
// may load what stands behind the reading of its clock before it reads that.
static void outwait_readers(void)
{
    int64_t since_ns = lg__clock_now();
    while (lg__clock_now() - since_ns < READ_AHEAD_NS) {
        lg__cpu_pause();
    }
}

// Begins a new line where the clock is now, and steps ahead.
static void change_locked(struct lg_clock *clock, int64_t step_ns)
    LG_REQUIRES(clock->rt->clocks.lock)
{
    struct line line = line_locked(clock);
    // relaxed: written under the lock
    uint32_t seq = atomic_load_explicit(&clock->seq, memory_order_relaxed);
    // seq_cst: the time is read after; who reads it from here on looks again
    atomic_store_explicit(&clock->seq, seq + 1, memory_order_seq_cst);
    outwait_readers();
    int64_t from_ns = parent_now(clock);
    int64_t base_ns = seq == 0 ? from_ns : shown(&line, from_ns);
    base_ns = step_ns < LG_NEVER / 2 - base_ns ? base_ns + step_ns : LG_NEVER / 2;
    double pace = clock->is_paused ? 0.0 : clock->scale;
    // release: pair with the acquires in try_line(); seq is odd
    atomic_store_explicit(&clock->from_ns, from_ns, memory_order_release);
    atomic_store_explicit(&clock->base_ns, base_ns, memory_order_release);
    atomic_store_explicit(&clock->pace, pace, memory_order_release);
    seq = seq + 2 == 0 ? 2 : seq + 2;
    // release: pairs with the acquire in try_line(); the line is written
    atomic_store_explicit(&clock->seq, seq, memory_order_release);
}

enum change { PAUSE, RESUME, SCALE, STEP };

// Whether the change makes a difference.
static bool apply_locked(struct lg_clock *clock, enum change change, double scale)
    LG_REQUIRES(clock->rt->clocks.lock)
{
    bool was_paused = clock->is_paused;
    double old_scale = clock->scale;
    clock->is_paused = change == PAUSE || (was_paused && change != RESUME);
    clock->scale = change == SCALE ? scale : old_scale;
    return change == STEP || was_paused != clock->is_paused || old_scale != clock->scale;
}

// A thread outside that has paused the clock can resume it: until then it holds the
// runtime. How many holds that takes, or gives back with -1.
static int hold_locked(struct lg_clock *clock) LG_REQUIRES(clock->rt->clocks.lock)
{
    bool was_held = clock->is_held;
    struct m *m = lg__m();
    bool is_inside = m && m->rt == clock->rt;
    clock->is_held = clock->is_paused && (was_held || !is_inside);
    return (int)clock->is_held - (int)was_held;
}

// What has fallen due by the change is runnable when the call returns, unless a thread
// outside of the runtime has called it.
static void run_due(struct lg_runtime *rt)
{
    struct m *m = lg__m();
    if (m && m->rt == rt && m->p) {
        lg__idle_run_timers(m);
    }
}

static int change(struct lg_clock *clock, enum change change, double scale,
                  int64_t step_ns)
{
    struct lg_runtime *rt = clock->rt;
    int err = LG_OK;
    int nholds = 0;
    lg__lock(&clock->rt->clocks.lock, RANK_CLOCKS);
    bool is_new = apply_locked(clock, change, scale);
    if (is_new) {
        nholds = hold_locked(clock);
        if (nholds > 0) {
            lg_hold(rt);
        }
        change_locked(clock, step_ns);
        err = clock->parent ? lg__clock_arm_locked(clock) : LG_OK;
    }
    lg__unlock(&clock->rt->clocks.lock, RANK_CLOCKS);
    if (is_new && !clock->parent) {
        if (rt->gc_door.on_clock) {
            rt->gc_door.on_clock(rt);
        }
        lg_clock_moved(rt);
    }
    if (nholds < 0) {
        lg_release(rt);
    }
    if (is_new) {
        run_due(rt);
    }
    return err;
}

int64_t lg_clock_now(lg_clock *clock)
{
    return lg__clock_read(clock);
}

void lg_clock_pause(lg_clock *clock)
{
    change(clock, PAUSE, 0, 0);
}

int lg_clock_resume(lg_clock *clock)
{
    return change(clock, RESUME, 0, 0);
}

bool lg_clock_is_paused(lg_clock *clock)
{
    lg__lock(&clock->rt->clocks.lock, RANK_CLOCKS);
    bool is_paused = clock->is_paused;
    lg__unlock(&clock->rt->clocks.lock, RANK_CLOCKS);
    return is_paused;
}

int lg_clock_set_scale(lg_clock *clock, double scale)
{
    if (!(scale >= 0 && scale <= LG_CLOCK_SCALE_MAX)) {
        return LG_EINVAL;
    }
    return change(clock, SCALE, scale, 0);
}

double lg_clock_scale(lg_clock *clock)
{
    lg__lock(&clock->rt->clocks.lock, RANK_CLOCKS);
    double scale = clock->scale;
    lg__unlock(&clock->rt->clocks.lock, RANK_CLOCKS);
    return scale;
}

int lg_clock_step(lg_clock *clock, int64_t step_ns)
{
    return step_ns < 0 ? LG_EINVAL : change(clock, STEP, 0, step_ns);
}

// ---------------------------------------------------------------------------
// Goroutines
// ---------------------------------------------------------------------------

lg_clock *lg_clock_self(void)
{
    struct m *m = lg__m();
    return !m ? NULL : m->g && m->g->clock ? m->g->clock : &m->rt->clock;
}

void lg_clock_use(lg_clock *clock)
{
    struct lg_g *g = lg__g_self();
    LG_MISUSE_IF(clock && clock->rt != g->rt, "a clock of another runtime");
    LG_MISUSE_IF(g->has_wait, "another clock while a wait is armed");
    struct lg_clock *next = clock && clock->parent ? clock : NULL;
    if (next) {
        lg_clock_retain(next);
    }
    lg__clock_leave(g);
    g->clock = next;
}

void lg__clock_leave(struct lg_g *g)
{
    struct lg_clock *clock = g->clock;
    g->clock = NULL;
    lg_clock_release(clock);
}
