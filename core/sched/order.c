// SPDX-License-Identifier: MIT
#include "sched/order.h"

#include "sched/idle.h"
#include "sched/input.h"
#include "sched/netpoll.h"
#include "sched/sched.h"
#include "sched/strand.h"
#include "sched/tracepoint.h"

// Where the clock begins: not at 0, which as a deadline means not to wait.
static const int64_t BEGIN_NS = 1000000000;

// Ids of goroutines beside the order begin here.
#define BESIDE_IDS (UINT64_C(1) << 48)

// ---------------------------------------------------------------------------
// Who is beside
// ---------------------------------------------------------------------------

// A scripted goroutine's runnable is its strand's.
static bool is_beside(struct lg_g *g)
{
    return g->strand ? g->strand->run.is_beside : g->run.is_beside;
}

bool lg__order_is_beside(struct m *m, struct lg_g *g)
{
    if (g && is_beside(g)) {
        return true;
    }
    return m && ((m->g && is_beside(m->g)) || (m->strand && m->strand->run.is_beside));
}

bool lg__order_starts_beside(struct lg_runtime *rt)
{
    struct m *m = lg__m();
    return lg__order_is_kept(rt) && m && m->rt == rt && lg__order_is_beside(m, NULL);
}

uint64_t lg__order_beside_id(struct lg_runtime *rt)
{
    // relaxed: only uniqueness matters
    return BESIDE_IDS +
           atomic_fetch_add_explicit(&rt->order.nbeside_ids, 1, memory_order_relaxed);
}

struct timers *lg__order_timers(struct m *m)
{
    bool is_kept = lg__order_is_kept(m->rt);
    return is_kept && lg__order_is_beside(m, NULL) ? &m->rt->order.timers : &m->p->timers;
}

bool lg_is_deterministic(lg_runtime *rt)
{
    return rt->options.deterministic;
}

void lg_strand_set_outside(lg_strand *s)
{
    s->run.is_beside = lg__order_is_kept(s->rt);
}

// ---------------------------------------------------------------------------
// Their queue
// ---------------------------------------------------------------------------

static void publish_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    // seq_cst: as nglobal, see idle.h
    atomic_store_explicit(&rt->order.nbeside, rt->order.beside.count,
                          memory_order_seq_cst);
}

void lg__order_push_beside(struct lg_runtime *rt, struct runnable *r)
{
    lg__lock(&rt->lock, RANK_SCHED);
    lg__runnable_append(&rt->order.beside, r);
    publish_locked(rt);
    lg__unlock(&rt->lock, RANK_SCHED);
}

static struct runnable *shift(struct lg_runtime *rt)
{
    // relaxed: a peek; who goes idle looks again, in lg__has_work()
    if (atomic_load_explicit(&rt->order.nbeside, memory_order_relaxed) == 0) {
        return NULL;
    }
    lg__lock(&rt->lock, RANK_SCHED);
    struct runnable *r = lg__runnable_shift(&rt->order.beside);
    publish_locked(rt);
    lg__unlock(&rt->lock, RANK_SCHED);
    return r;
}

bool lg__order_forget_locked(struct lg_runtime *rt, struct runnable *r)
{
    bool has_stood = false;
    for (size_t count = rt->order.beside.count; count > 0; count--) {
        struct runnable *at = lg__runnable_shift(&rt->order.beside);
        if (at != r) {
            lg__runnable_append(&rt->order.beside, at);
        }
        has_stood |= at == r;
    }
    publish_locked(rt);
    return has_stood;
}

// The next of those; or a native goroutine that only let them pass.
static struct runnable *pop_beside(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    lg__timers_run(&rt->order.timers, lg__now(rt), m);
    struct runnable *r = shift(rt);
    if (!r && rt->gc_door.idle_worker) {
        struct lg_g *worker = rt->gc_door.idle_worker(rt, m->p);
        r = worker ? &worker->run : NULL;
    }
    if (!r) {
        r = rt->order.front;
        rt->order.front = NULL;
    }
    return r;
}

// ---------------------------------------------------------------------------
// The clock
// ---------------------------------------------------------------------------

static int64_t read_clock(void *ud)
{
    struct lg_runtime *rt = ud;
    // relaxed: moved while nothing runs that would care
    return atomic_load_explicit(&rt->order.now_ns, memory_order_relaxed);
}

static bool is_virtual(const struct lg_runtime *rt)
{
    return rt->options.clock == read_clock;
}

static void move_clock(struct lg_runtime *rt, int64_t to_ns)
{
    // relaxed: as in read_clock()
    atomic_store_explicit(&rt->order.now_ns, to_ns, memory_order_relaxed);
    rt->order.waited_ns = 0;
    lg__now(rt);
}

static int64_t first_timer(struct lg_runtime *rt)
{
    int64_t own_ns = lg__timers_next(&lg__p_at(rt, 0)->timers);
    int64_t beside_ns = lg__timers_next(&rt->order.timers);
    return own_ns < beside_ns ? own_ns : beside_ns;
}

// Somebody outside will come: a descriptor, a thread of the host.
static bool is_outside_awaited(struct lg_runtime *rt)
{
    // relaxed: only matters when all is still
    bool is_held = atomic_load_explicit(&rt->nholds, memory_order_relaxed) > 0;
    return lg__netpoll_is_awaited(rt) || (is_held && !lg__input_is_replaying(rt)) ||
           atomic_load_explicit(&rt->nblocked, memory_order_relaxed) > 0;
}

// Nothing is ready: moves the clock to the next moment at which something is. False: there
// is none, or somebody outside is waited for, as in an update, which ends here.
static bool advance(struct lg_runtime *rt)
{
    if (lg__m()->update || is_outside_awaited(rt)) {
        return false;
    }
    int64_t next_ns = is_virtual(rt) ? first_timer(rt) : LG_NEVER;
    int64_t input_ns = lg__input_next(rt, next_ns == LG_NEVER);
    next_ns = input_ns < next_ns ? input_ns : next_ns;
    if (next_ns == LG_NEVER) {
        return false;
    }
    int64_t now_ns = lg__now(rt);
    if (is_virtual(rt) && next_ns > now_ns) {
        move_clock(rt, next_ns);
    }
    return is_virtual(rt);
}

int64_t lg__order_sleep_ns(struct lg_runtime *rt, int64_t left_ns)
{
    if (!is_virtual(rt)) {
        return -1; // lg_clock_moved() wakes
    }
    int64_t rest_ns = left_ns - rt->order.waited_ns;
    return rest_ns > 0 ? rest_ns : 0;
}

void lg__order_slept(struct lg_runtime *rt, int64_t slept_ns)
{
    if (!is_virtual(rt)) {
        return;
    }
    int64_t next_ns = first_timer(rt);
    rt->order.waited_ns += slept_ns;
    if (next_ns != LG_NEVER && next_ns - lg__now(rt) <= rt->order.waited_ns) {
        move_clock(rt, next_ns);
    }
}

// ---------------------------------------------------------------------------
// Decisions
// ---------------------------------------------------------------------------

// Inputs and timers that are due, which are decisions.
static void look(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    lg__input_look(rt);
    struct timers *ts = &m->p->timers;
    if (lg__timers_next(ts) != LG_NEVER) {
        rt->order.ndecisions += lg__timers_run(ts, lg__now(rt), m);
    }
}

static struct runnable *decided(struct m *m, struct runnable *r)
{
    m->p->tick++;
    m->rt->order.ndecisions++;
    if (r->kind == RUNNABLE_G) {
        struct lg_g *g = LG_CONTAINER_OF(r, struct lg_g, run);
        lg__trace(m->rt, LG_TRACE_RUN, g, 0, NULL);
    }
    return r;
}

// As the loop of other runtimes does, but only what was found counts as a round.
struct runnable *lg__order_pop(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    do {
        struct runnable *r = pop_beside(m);
        if (r) {
            return r;
        }
        look(m);
        if ((m->p->tick + 1) % P_GLOBAL_EVERY == 0) {
            lg__netpoll_look(rt);
            r = lg__global_pop_one(rt);
        }
        r = r ? r : lg__sched_pop_own(m->p);
        r = r ? r : lg__global_pop(rt, m->p);
        if (r) {
            return decided(m, r);
        }
    } while (advance(rt));
    return NULL;
}

static uint64_t mix(uint64_t sum, uint64_t word)
{
    __uint128_t product = (__uint128_t)(sum ^ word) * 0x9e3779b97f4a7c15ULL;
    return (uint64_t)(product >> 64) ^ (uint64_t)product ^ (sum << 1);
}

void lg__order_note(struct lg_runtime *rt, const lg_trace_event *event)
{
    uint64_t sum = mix(rt->order.sum, (uint64_t)event->kind + 1);
    sum = mix(sum, event->g);
    rt->order.sum = mix(sum, event->arg);
}

// ---------------------------------------------------------------------------

void lg__order_init(struct lg_runtime *rt)
{
    lg__timers_init(&rt->order.timers);
    if (!lg__order_is_kept(rt)) {
        return;
    }
    // relaxed: nobody else knows the runtime yet
    atomic_store_explicit(&rt->order.now_ns, BEGIN_NS, memory_order_relaxed);
    if (!rt->options.clock) {
        rt->options.clock = read_clock;
        rt->options.clock_ud = rt;
    }
    // From here on nobody switches past the loop, and the sum is kept.
    atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_TRACE, memory_order_relaxed);
}

void lg__order_fini(struct lg_runtime *rt)
{
    lg__timers_fini(&rt->order.timers, &rt->alloc);
}
