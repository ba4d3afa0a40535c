// SPDX-License-Identifier: MIT
#include "sched/sched.h"

#include "sched/handover.h"
#include "sched/host.h"
#include "sched/idle.h"
#include "sched/job.h"
#include "sched/order.h"
#include "sched/park.h"
#include "sched/preempt.h"
#include "sched/scan.h"
#include "sched/starve.h"
#include "sched/steal.h"
#include "sched/strand.h"
#include "sched/tracepoint.h"
#include "sched/wake.h"
#include "sched/wire.h"
#include "sched/world.h"

// ---------------------------------------------------------------------------
// Queues
// ---------------------------------------------------------------------------

static void push_global(struct lg_runtime *rt, struct runnable *r)
{
    lg__lock(&rt->lock, RANK_SCHED);
    lg__globq_push(&rt->global, r);
    lg__nglobal_publish_locked(rt);
    lg__unlock(&rt->lock, RANK_SCHED);
}

// The ring is full: its older half and r go to the global queue.
static LG_NOINLINE void push_overflow(struct p *p, struct lg_runtime *rt,
                                      struct runnable *r)
{
    struct runnable *batch[RUNQ_CAP / 2 + 1];
    uint32_t count = lg__runq_spill(&p->runq, batch);
    batch[count++] = r;
    lg__lock(&rt->lock, RANK_SCHED);
    for (uint32_t i = 0; i < count; i++) {
        lg__globq_push(&rt->global, batch[i]);
    }
    lg__nglobal_publish_locked(rt);
    lg__unlock(&rt->lock, RANK_SCHED);
}

// Inline, or else the order would not be a constant, and an exchange at best.
LG_INLINE void push_ring(struct p *p, struct lg_runtime *rt, struct runnable *r,
                         memory_order order)
{
    if (LG_UNLIKELY(!lg__runq_push(&p->runq, r, order))) {
        push_overflow(p, rt, r);
    }
}

// New work goes to runnext; what stood there goes to the ring, where thieves
// see it, and only then is it worth waking one (measured: a wake costs the
// waker 5 us, the hand-over to runnext nothing). A runnext that its P does not
// get round to is noticed by sysmon.
static void push_next(struct p *p, struct lg_runtime *rt, struct runnable *r)
{
    // release: pairs with the acquire in pop_next() and steal_next()
    struct runnable *old = atomic_exchange_explicit(&p->runnext, r, memory_order_acq_rel);
    if (old) {
        // seq_cst: then wake_if_needed() looks at the idle Ps, while one that
        // goes idle says so and then looks at the rings
        push_ring(p, rt, old, memory_order_seq_cst);
        lg__wake_if_idle(rt);
    }
}

static LG_NOINLINE void push_beside(struct lg_runtime *rt, struct runnable *r)
{
    lg__order_push_beside(rt, r);
    lg__wake_if_idle(rt);
}

void lg__sched_push(struct lg_runtime *rt, struct runnable *r)
{
    struct m *m = lg__m();
    if (LG_UNLIKELY(r->is_beside)) {
        push_beside(rt, r);
    } else if (LG_UNLIKELY(r->pins)) {
        lg__host_push(rt, r);
    } else if (LG_LIKELY(m && m->p && m->rt == rt && !m->p->is_hosts)) {
        if (m->g) {
            push_next(m->p, rt, r);
        } else if (m->is_placing && !m->next && r->kind == RUNNABLE_STRAND) {
            m->next = r; // a job's own, so to speak: nobody need hear of it
        } else {
            // From a timer, say: no goroutine hands over to another, first come,
            // first served. seq_cst: as in push_next()
            push_ring(m->p, rt, r, memory_order_seq_cst);
            lg__wake_if_idle(rt);
        }
    } else {
        push_global(rt, r);
        lg__wake_if_idle(rt);
        if (LG_UNLIKELY(lg__host_is_on(rt))) {
            lg__host_tell_alone(rt);
        }
    }
}

void lg__sched_requeue(struct runnable *r)
{
    struct m *m = lg__m();
    if (LG_UNLIKELY(r->is_beside)) {
        lg__order_push_beside(m->rt, r);
        return;
    }
    if (LG_UNLIKELY(r->pins || m->p->is_hosts)) {
        lg__sched_push(m->rt, r);
        return;
    }
    // relaxed: a peek. In the ring it would overtake those that stand there, for as long
    // as it does nothing but yield
    if (LG_UNLIKELY(atomic_load_explicit(&m->rt->nglobal, memory_order_relaxed) > 0)) {
        push_global(m->rt, r);
        return;
    }
    // release: it is no new work, this P will come to it; no idle P is told
    push_ring(m->p, m->rt, r, memory_order_release);
}

void lg__sched_push_behind(struct lg_runtime *rt, struct runnable *r)
{
    struct p *p = lg__m()->p;
    if (LG_UNLIKELY(p->is_hosts)) {
        lg__sched_push(rt, r); // nobody takes anything from there
        return;
    }
    // seq_cst: as in push_next()
    push_ring(p, rt, r, memory_order_seq_cst);
    lg__wake_if_idle(rt);
}

static void trace_ready(struct lg_g *g)
{
    if (lg__trace_is_on(g->rt)) {
        lg__trace_emit(g->rt, LG_TRACE_READY, g, lg_self().id, NULL);
    }
}

void lg__sched_ready_behind(struct lg_g *g)
{
    struct m *m = lg__m();
    bool has_queue = m && m->p && m->rt == g->rt && !m->p->is_hosts;
    if (g->strand || g->run.is_beside || g->run.pins || !has_queue) {
        lg__sched_ready(g);
        return;
    }
    trace_ready(g);
    lg__g_set_status(g, LG_WAITING, LG_RUNNABLE);
    lg__sched_push_behind(m->rt, &g->run);
}

void lg__sched_ready(struct lg_g *g)
{
    trace_ready(g);
    lg__g_set_status(g, LG_WAITING, LG_RUNNABLE);
    if (g->strand) {
        lg__strand_push(g->strand, &g->step);
    } else {
        // It runs soon; from its context on it finds its stack.
        __builtin_prefetch(g->ctx.sp);
        __builtin_prefetch((char *)g->ctx.sp + LG_CACHELINE);
        lg__sched_push(g->rt, &g->run);
    }
}

void lg__sched_commit(struct lg_g *g)
{
    if (lg__trace_is_on(g->rt)) {
        // relaxed: its own. A yield is a wait without a reason
        const char *reason = atomic_load_explicit(&g->wait_reason, memory_order_relaxed);
        lg__trace_leave(g, reason);
    }
    lg__g_set_status(g, LG_RUNNING, LG_WAITING);
    uint64_t word = lg__wait_commit(&g->wait);
    if (word & WAIT_FIRED) {
        lg__sched_ready(g);
        return;
    }
    // seq_cst: after commit. From here on it may be gone, and another in its place
    uint64_t canceled = atomic_load_explicit(&g->wait.cancel, memory_order_seq_cst);
    if (LG_UNLIKELY(canceled != 0)) {
        lg__wait_cancel(g, canceled);
    }
}

static struct runnable *pop_next(struct p *p)
{
    // relaxed: the CAS tells
    struct runnable *r = atomic_load_explicit(&p->runnext, memory_order_relaxed);
    if (!r) {
        return NULL;
    }
    // acquire: pairs with the release in push_next(), if a thief put it there
    return atomic_compare_exchange_strong_explicit(
               &p->runnext, &r, NULL, memory_order_acquire, memory_order_relaxed)
               ? r
               : NULL;
}

// The next of a P's own.
static struct runnable *pop_local(struct p *p)
{
    if (p->runnext_streak < P_RUNNEXT_STREAK_MAX) {
        struct runnable *r = pop_next(p);
        if (r) {
            p->runnext_streak++;
            return r;
        }
    }
    p->runnext_streak = 0;
    struct runnable *r = lg__runq_pop(&p->runq);
    return r ? r : pop_next(p);
}

struct runnable *lg__sched_pop_own(struct p *p)
{
    return pop_local(p);
}

// ---------------------------------------------------------------------------
// The loop
// ---------------------------------------------------------------------------

static void poll_timers(struct m *m, struct timers *ts)
{
    if (lg__timers_next(ts) != LG_NEVER) {
        lg__timers_run(ts, lg__now(m->rt), m);
    }
}

// Timers of Ps in excess have no owner who would look at them, or none who comes to it.
static void poll_retired(struct m *m)
{
    for (uint32_t i = 0; i < lg__nps(m->rt); i++) {
        struct p *p = lg__p_at(m->rt, i);
        if (!lg__p_is_active(p)) {
            poll_timers(m, &p->timers);
        }
    }
}

uint32_t lg__begin_round(struct p *p)
{
    uint32_t tick = ++p->tick;
    // relaxed: for sysmon
    atomic_store_explicit(&p->shown_tick, tick, memory_order_relaxed);
    lg__preempt_begin_slice(p);
    return tick;
}

static struct runnable *pop_once(struct m *m)
{
    struct p *p = m->p;
    if (lg__order_is_kept(m->rt)) {
        return lg__order_pop(m);
    }
    uint32_t tick = lg__begin_round(p);
    poll_timers(m, &p->timers);
    if (tick % P_GLOBAL_EVERY == 0) {
        poll_retired(m);
        lg__netpoll_look(m->rt);
        struct runnable *r = lg__global_pop_one(m->rt);
        r = r ? r : lg__steal_retired(m);
        if (r) {
            return r;
        }
    }
#ifdef LG_CHECK
    if (tick % 5 == 0) { // forced steals
        struct runnable *r = lg__steal(m);
        if (r) {
            return r;
        }
    }
#endif
    struct runnable *r = pop_local(p);
    return r ? r : lg__global_pop(m->rt, p);
}

struct runnable *lg__pop_any(struct m *m)
{
    struct runnable *r = pop_once(m);
    return r ? r : lg__steal(m);
}

// A wired M runs one thing only; others come to what else it finds. NULL: it has slept,
// and must look up.
static struct runnable *next_wired(struct m *m, struct runnable *r)
{
    if (!r && m->p) {
        r = pop_once(m);
    }
    if (r && r != lg__m_wired(m)) {
        lg__sched_requeue(r);
        r = NULL;
    }
    return r ? r : lg__wire_await(m);
}

// The next to run, waiting for it if need be; NULL: the M must leave.
static struct runnable *next_runnable(struct m *m)
{
    for (;;) {
        if (LG_UNLIKELY((lg__interrupts(m->rt) & INTERRUPTS_TO_HEED) ||
                        (m->p && lg__p_asks(m->p)))) {
            if (m->update && lg__world_is_wanted(m->rt)) {
                return lg__host_give_way(m);
            }
            lg__world_checkpoint(m);
            if (lg__idle_must_leave(m)) {
                return NULL;
            }
            lg__hand_to_waiter(m);
        }
        struct runnable *r = m->next;
        m->next = NULL;
        if (LG_UNLIKELY(m->is_driver) && !r && lg__host_is_on(m->rt)) {
            enum host_turn turn = lg__host_next(m, &r);
            if (turn == HOST_LOOKS_UP) {
                continue;
            }
            return turn == HOST_LEAVES ? NULL : r;
        }
        if (lg__m_wired(m)) {
            r = next_wired(m, r);
            if (!r) {
                continue;
            }
        }
        if (!r && m->p) {
            r = pop_once(m);
            if (!r) {
                r = lg__find_elsewhere(m);
            }
        }
        if (r) {
            if (m->is_spinning) {
                lg__stop_spinning(m);
            }
            return r;
        }
        if (!lg__idle(m)) {
            return NULL;
        }
    }
}

// lg__sched_take_stack(), but a goroutine that gets none waits for one.
static bool bind_stack(struct m *m, struct lg_g *g);

static void loop(struct m *m)
{
    for (;;) {
        struct runnable *r = next_runnable(m);
        if (!r) {
            lg__m_leave();
        }
        if (lg__wire_is_on(m->rt) && lg__wire_pass(m, r)) {
            continue;
        }
        if (r->kind == RUNNABLE_STRAND) {
            lg__strand_run(LG_CONTAINER_OF(r, struct lg_strand, run));
            m = lg__m(); // a goroutine may have taken the loop's stack along
            continue;
        }
        if (r->kind == RUNNABLE_JOB) {
            lg__update_begin_step(m, NULL);
            lg__job_run(m, r);
            continue;
        }
        struct lg_g *g = LG_CONTAINER_OF(r, struct lg_g, run);
        if (lg__trace_is_on(m->rt) && !lg__order_is_kept(m->rt)) {
            lg__trace_emit(m->rt, LG_TRACE_RUN, g, 0, NULL);
        }
        lg__scan_before_run(m->rt, g);
        if (g->stack || bind_stack(m, g)) {
            lg__g_set_status(g, LG_RUNNABLE, LG_RUNNING);
            lg__m_set_g(m, g);
            lg__update_begin_step(m, g);
            m = lg__ctx_switch(&m->loop, &g->ctx, m);
            lg__m_after_switch(m);
        }
    }
}

// Where a fresh loop stack starts: at an M's beginning, or inside a strand
// whose goroutine has just donated the stack that was here before.
static void loop_entry(void *carried)
{
    struct m *m = carried;
    lg__ctx_entered();
    lg__m_after_switch(m);
    if (m->strand) {
        lg__strand_resume(m->strand);
    }
    loop(lg__m());
}

ctx_entry *lg__loop_entry(void)
{
    return loop_entry;
}

// ---------------------------------------------------------------------------
// Native goroutines
// ---------------------------------------------------------------------------

static bool bind_stack(struct m *m, struct lg_g *g)
{
    if (LG_LIKELY(lg__sched_take_stack(m, g))) {
        return true;
    }
    lg__starve(m->rt, &g->run);
    return false;
}

// A native goroutine that can be switched to without going through the loop;
// NULL if the loop has to decide. While the M is here it is not suspended, so
// what the interrupts say holds until the switch.
static struct lg_g *pick_direct(struct m *m)
{
    struct p *p = m->p;
    uint32_t tick = p->tick + 1;
    if (lg__interrupts(m->rt) || lg__p_asks(p) ||
        (m->is_driver && lg__host_is_on(m->rt)) || tick % P_GLOBAL_EVERY == 0 ||
        (tick % P_TIMERS_EVERY == 0 && lg__timers_next(&p->timers) != LG_NEVER)) {
        return NULL;
    }
    struct runnable *r = pop_local(p);
    if (!r) {
        return NULL;
    }
    p->tick = tick;
    // relaxed: for those who look whether we come to our work
    atomic_store_explicit(&p->shown_tick, tick, memory_order_relaxed);
    if (r->kind != RUNNABLE_G) {
        m->next = r;
        return NULL;
    }
    struct lg_g *g = LG_CONTAINER_OF(r, struct lg_g, run);
    return g->stack || bind_stack(m, g) ? g : NULL;
}

void lg__sched_switch(struct m *m, enum after after)
{
    lg__lockrank_assert_none();
    struct lg_g *g = m->g;
    m->prev = g;
    lg__m_set_after(m, after);
    lg__stack_check_canary(g->stack);

    struct lg_g *next = pick_direct(m);
    struct ctx *to = &m->loop;
    lg__m_set_g(m, next);
    if (next) {
        lg__g_set_status(next, LG_RUNNABLE, LG_RUNNING);
        to = &next->ctx;
    }
    if (after == AFTER_EXIT) {
        lg__ctx_leave(&g->ctx, to, m);
    }
    int saved_errno = *m->errno_at;
    m = lg__ctx_switch(&g->ctx, to, m);
    lg__m_after_switch(m);
    *m->errno_at = saved_errno;
}
