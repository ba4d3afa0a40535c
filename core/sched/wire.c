// SPDX-License-Identifier: MIT
#include "sched/wire.h"

#include "sched/block.h"
#include "sched/host.h"
#include "sched/idle.h"
#include "sched/order.h"
#include "sched/sched.h"
#include "sched/strand.h"
#include "sched/sysmon.h"
#include "sched/wake.h"
#include "sched/world.h"

static _Atomic(struct m *) *home_of(struct runnable *r)
{
    switch (r->kind) {
    case RUNNABLE_G: return &LG_CONTAINER_OF(r, struct lg_g, run)->home;
    case RUNNABLE_STRAND: return &LG_CONTAINER_OF(r, struct lg_strand, run)->home;
    case RUNNABLE_JOB:
    case RUNNABLE_NONE: break;
    }
    return NULL;
}

// ---------------------------------------------------------------------------
// In the loop
// ---------------------------------------------------------------------------

static struct m *home_m(struct runnable *r)
{
    _Atomic(struct m *) *home = home_of(r);
    // relaxed: changed under the lock; else a guess
    return home ? atomic_load_explicit(home, memory_order_relaxed) : NULL;
}

static void set_home(struct runnable *r, struct m *m)
{
    // relaxed: changed under the lock
    atomic_store_explicit(home_of(r), m, memory_order_relaxed);
}

bool lg__wire_pass(struct m *m, struct runnable *r)
{
    struct m *to = home_m(r);
    if (!to || to == m) {
        return false;
    }
    lg__lock(&m->rt->lock, RANK_SCHED);
    if (!home_m(r)) { // undone meanwhile
        lg__unlock(&m->rt->lock, RANK_SCHED);
        return false;
    }
    to->wired_run = r; // if it is on its way to sleep it finds it
    if (to->is_wired_asleep) {
        to->given_p = m->p;
        lg__m_set_p(m, NULL);
        lg__note_wake(&to->note);
    } else {
        // seq_cst: it will want a P: before ours is idle (idle.c:is_dead_locked)
        atomic_fetch_add_explicit(&m->rt->nblocked, 1, memory_order_seq_cst);
    }
    lg__unlock(&m->rt->lock, RANK_SCHED);
    return true;
}

// Others come to what is left in its queue.
static void give_up_p(struct m *m)
{
    struct p *p = m->p;
    lg__m_set_p(m, NULL);
    lg__p_show_runnext(p);
    lg__put_idle_p(m->rt, p);
    if (lg__has_work(m->rt) || lg__netpoll_is_unattended(m->rt)) {
        lg__wake_if_idle(m->rt);
    }
}

static bool must_sleep_locked(__attribute__((unused)) struct lg_runtime *rt, struct m *m)
    LG_REQUIRES(rt->lock)
{
    return lg__m_wired(m) && !m->wired_run && !lg__idle_is_called_away(m);
}

static void sleep_locked(struct lg_runtime *rt, struct m *m) LG_REQUIRES(rt->lock)
{
    m->is_wired_asleep = true;
    lg__list_push_back(&rt->wired_ms, &m->node);
    // seq_cst: as nblocked: one more M may exist
    atomic_fetch_add_explicit(&rt->nwired_asleep, 1, memory_order_seq_cst);
    lg__idle_look_for_deadlock_locked(rt);
    int64_t timeout_ns = lg__idle_timeout(rt);
    while (must_sleep_locked(rt, m) && timeout_ns != 0) {
        lg__unlock(&rt->lock, RANK_SCHED);
        lg__note_sleep(&m->note, timeout_ns);
        lg__lock(&rt->lock, RANK_SCHED);
        timeout_ns = lg__idle_timeout(rt);
    }
    if (!m->given_p && timeout_ns == 0) {
        m->given_p = lg__take_idle_p_locked(rt); // to run timers that are due
    }
    m->is_wired_asleep = false;
    lg__list_remove(&rt->wired_ms, &m->node);
    atomic_fetch_sub_explicit(&rt->nwired_asleep, 1, memory_order_seq_cst);
}

// Until something has been passed on, with a P then; or with one to look at timers.
static struct runnable *await_pass(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    lg__world_leave(rt, m);
    lg__lock(&rt->lock, RANK_SCHED);
    if (must_sleep_locked(rt, m)) {
        sleep_locked(rt, m);
    }
    struct runnable *r = m->wired_run;
    m->wired_run = NULL;
    struct p *p = m->given_p;
    m->given_p = NULL;
    lg__unlock(&rt->lock, RANK_SCHED);
    if (r && !p) {
        p = lg__block_await_p(rt, m);
        // seq_cst: it has one
        atomic_fetch_sub_explicit(&rt->nblocked, 1, memory_order_seq_cst);
    }
    lg__world_enter(rt, m);
    lg__m_set_p(m, p);
    lg__sysmon_rouse(rt);
    if (!r && p) {
        lg__idle_run_timers(m);
    }
    return r;
}

struct runnable *lg__wire_await(struct m *m)
{
    if (m->p) {
        give_up_p(m);
    }
    return await_pass(m);
}

// ---------------------------------------------------------------------------
// Wiring
// ---------------------------------------------------------------------------

static struct runnable *runnable_of(struct lg_g *g)
{
    return g->strand ? &g->strand->run : &g->run;
}

// Counts one more, or n less; returns how many want what is wired with the goroutine.
static uint32_t count(struct lg_g *g, uint32_t more, uint32_t less)
{
    g->nlocks += more - less;
    if (!g->strand) {
        return g->nlocks;
    }
    return g->strand->nlocks += more - less;
}

static void wire(struct m *m, struct runnable *r)
{
    struct lg_runtime *rt = m->rt;
    lg__lock(&rt->lock, RANK_SCHED);
    set_home(r, m);
    // relaxed: our own
    atomic_store_explicit(&m->wired, r, memory_order_relaxed);
    rt->nwired++;
    // release: pairs with the acquire in lg__interrupts()
    atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_WIRED, memory_order_release);
    lg__unlock(&rt->lock, RANK_SCHED);
}

// What was passed on to it, and it has not come to, goes where everybody finds it. False:
// nothing has.
static bool pass_back_locked(struct lg_runtime *rt, struct m *m) LG_REQUIRES(rt->lock)
{
    if (!m->wired_run || m->given_p) {
        return false;
    }
    lg__globq_push(&rt->global, m->wired_run);
    lg__nglobal_publish_locked(rt);
    m->wired_run = NULL;
    // seq_cst: it wants no P; what it was passed is queued
    atomic_fetch_sub_explicit(&rt->nblocked, 1, memory_order_seq_cst);
    return true;
}

static bool unwire_locked(struct lg_runtime *rt, struct m *m) LG_REQUIRES(rt->lock)
{
    set_home(lg__m_wired(m), NULL);
    // relaxed: changed under the lock
    atomic_store_explicit(&m->wired, NULL, memory_order_relaxed);
    if (m->is_wired_asleep) {
        lg__note_wake(&m->note);
    }
    rt->nwired--;
    if (rt->nwired == 0) {
        // relaxed: seen late it only costs a round
        atomic_fetch_and_explicit(&rt->interrupts, ~(uint32_t)INTERRUPT_WIRED,
                                  memory_order_relaxed);
    }
    return pass_back_locked(rt, m);
}

// By the M itself, or whoever closes the strand.
void lg__wire_undo(struct lg_runtime *rt, struct runnable *r)
{
    lg__lock(&rt->lock, RANK_SCHED);
    struct m *m = home_m(r);
    bool has_passed_back = m && unwire_locked(rt, m);
    lg__unlock(&rt->lock, RANK_SCHED);
    if (has_passed_back) {
        lg__wake_if_idle(rt);
    }
}

void lg__wire_leave_locked(struct lg_runtime *rt, struct m *m)
{
    if (lg__m_wired(m)) {
        unwire_locked(rt, m);
    }
}

void lg_lock_thread(void)
{
    struct m *m = lg__m();
    LG_MISUSE_IF(!m || !m->g, "lg_lock_thread() outside a goroutine");
    bool is_first = count(m->g, 1, 0) == 1;
    struct runnable *r = runnable_of(m->g);
    if (m->is_driver && lg__host_is_on(m->rt) && !lg__order_is_kept(m->rt)) {
        r->pins |= PIN_LOCKED; // that thread is there for others, too
    } else if (is_first && !r->pins && lg__may_hand_over(m->rt)) {
        wire(m, r); // where one thread runs everything there is nothing to do
    }
}

static void unlock(struct lg_g *g, uint32_t n)
{
    if (count(g, 0, n) == 0) {
        runnable_of(g)->pins &= (uint8_t)~PIN_LOCKED;
        lg__wire_undo(g->rt, runnable_of(g));
    }
}

int lg_unlock_thread(void)
{
    struct m *m = lg__m();
    LG_MISUSE_IF(!m || !m->g, "lg_unlock_thread() outside a goroutine");
    if (m->g->nlocks == 0) {
        return LG_EPERM;
    }
    unlock(m->g, 1);
    return LG_OK;
}

void lg__wire_end(struct lg_g *g)
{
    if (LG_UNLIKELY(g->nlocks > 0)) {
        unlock(g, g->nlocks);
    }
}
