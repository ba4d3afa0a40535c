// SPDX-License-Identifier: MIT
//
// The life of a P: made, idle, owned, retired.
#include "sched/p.h"

#include "sched/idle.h"
#include "sched/sysmon.h"
#include "sched/timeline.h"

struct p *lg__take_idle_p_locked(struct lg_runtime *rt)
{
    struct node *node = lg__list_pop_front(&rt->idle_ps);
    if (!node) {
        return NULL;
    }
    struct p *p = LG_CONTAINER_OF(node, struct p, node);
    p->is_idle = false;
    p->was_idle = false;
    p->is_flushed = false;
    // seq_cst: see idle.h
    atomic_fetch_sub_explicit(&rt->nidle, 1, memory_order_seq_cst);
    return p;
}

struct p *lg__take_idle_p(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    struct p *p = lg__take_idle_p_locked(rt);
    lg__unlock(&rt->lock, RANK_SCHED);
    lg__sysmon_rouse(rt);
    return p;
}

// Who waits for a P gets it first.
static bool give_to_waiter_locked(struct lg_runtime *rt, struct p *p)
    LG_REQUIRES(rt->lock)
{
    struct node *node = lg__list_pop_front(&rt->p_waiters);
    if (!node) {
        return false;
    }
    struct m *m = LG_CONTAINER_OF(node, struct m, node);
    m->given_p = p;
    lg__note_wake(&m->note);
    if (lg__list_is_empty(&rt->p_waiters)) {
        // relaxed: seen a round later it costs nothing
        atomic_fetch_and_explicit(&rt->interrupts, ~(uint32_t)INTERRUPT_P_WANTED,
                                  memory_order_relaxed);
    }
    return true;
}

bool lg__give_p_locked(struct lg_runtime *rt, struct m *m)
{
    struct p *p = m->p;
    if (lg__list_is_empty(&rt->p_waiters) || !lg__p_is_active(p)) {
        return false;
    }
    lg__m_set_p(m, NULL);
    return give_to_waiter_locked(rt, p);
}

static void list_idle_locked(struct lg_runtime *rt, struct p *p) LG_REQUIRES(rt->lock)
{
    p->is_idle = true;
    lg__list_push_front(&rt->idle_ps, &p->node);
    // seq_cst: see idle.h
    atomic_fetch_add_explicit(&rt->nidle, 1, memory_order_seq_cst);
}

static void set_active(struct p *p, bool is_active)
{
    // relaxed: changed under the lock
    atomic_store_explicit(&p->is_active, is_active, memory_order_relaxed);
}

// The P counts from here on.
static void activate_locked(struct lg_runtime *rt, struct p *p) LG_REQUIRES(rt->lock)
{
    set_active(p, true);
    if (!p->is_idle) {
        // relaxed: its owner has not looked up yet, and need not
        atomic_fetch_and_explicit(&p->asks, ~(uint32_t)ASK_RETIRE, memory_order_relaxed);
        atomic_store_explicit(&p->is_aside, false, memory_order_relaxed);
        // seq_cst: see sysmon.c:sleep_while_idle()
        atomic_fetch_sub_explicit(&rt->nexcess, 1, memory_order_seq_cst);
    } else if (!give_to_waiter_locked(rt, p)) {
        list_idle_locked(rt, p);
    } else {
        p->is_idle = false;
        p->was_idle = false;
        p->is_flushed = false;
    }
}

// It is in excess from here on; an owner looks up at its next round.
static void deactivate_locked(struct lg_runtime *rt, struct p *p) LG_REQUIRES(rt->lock)
{
    set_active(p, false);
    if (p->is_idle) {
        lg__list_remove(&rt->idle_ps, &p->node);
        // seq_cst: see idle.h
        atomic_fetch_sub_explicit(&rt->nidle, 1, memory_order_seq_cst);
    } else {
        // seq_cst: sysmon is roused after, see sleep_while_idle()
        atomic_fetch_add_explicit(&rt->nexcess, 1, memory_order_seq_cst);
        // relaxed: heard at the next round
        atomic_fetch_or_explicit(&p->asks, ASK_RETIRE, memory_order_relaxed);
    }
}

void lg__put_idle_p_locked(struct lg_runtime *rt, struct p *p)
{
    // relaxed: of the slice that is over
    atomic_store_explicit(&p->asks, 0, memory_order_relaxed);
    atomic_store_explicit(&p->is_aside, false, memory_order_relaxed);
    if (!lg__p_is_active(p)) {
        p->is_idle = true;
        // seq_cst: as in deactivate_locked()
        atomic_fetch_sub_explicit(&rt->nexcess, 1, memory_order_seq_cst);
    } else if (!give_to_waiter_locked(rt, p)) {
        list_idle_locked(rt, p);
    }
}

void lg__p_give_queue(struct lg_runtime *rt, struct p *p)
{
    struct runnable *r;
    lg__lock(&rt->lock, RANK_SCHED);
    // acquire: pairs with the release in sched.c:push_next()
    r = atomic_exchange_explicit(&p->runnext, NULL, memory_order_acquire);
    while (r || (r = lg__runq_pop(&p->runq))) {
        lg__globq_push(&rt->global, r);
        r = NULL;
    }
    lg__nglobal_publish_locked(rt);
    lg__unlock(&rt->lock, RANK_SCHED);
}

// A retired P's queue goes to others; its timers are polled by them.
static void drain_retired(struct lg_runtime *rt, struct p *p)
{
    lg__p_give_queue(rt, p);
    lg__g_cache_flush(&rt->gs, &p->gs);
    lg__stack_cache_flush(&rt->stacks, &p->stacks);
    lg__mcache_flush(&p->mcache);
    if (rt->gc_door.p_retired) {
        rt->gc_door.p_retired(rt, p);
    }
}

void lg__put_idle_p(struct lg_runtime *rt, struct p *p)
{
    bool is_drained = false;
    lg__lock(&rt->lock, RANK_SCHED);
    while (!lg__p_is_active(p) && !is_drained) {
        lg__unlock(&rt->lock, RANK_SCHED);
        drain_retired(rt, p);
        is_drained = true;
        lg__lock(&rt->lock, RANK_SCHED);
    }
    lg__put_idle_p_locked(rt, p);
    lg__unlock(&rt->lock, RANK_SCHED);
}

// A P that is idle has no owner, and gets one only with the lock.
static bool flush_idle_locked(struct p *p, bool is_at_once)
{
    if (!p->is_idle || p->is_flushed) {
        return false;
    }
    if (!p->was_idle && !is_at_once) {
        p->was_idle = true;
        return true;
    }
    lg__mcache_flush(&p->mcache);
    p->is_flushed = true;
    return false;
}

static bool flush_idle(struct lg_runtime *rt, bool is_at_once)
{
    bool has_more = false;
    lg__lock(&rt->lock, RANK_SCHED);
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        has_more |= flush_idle_locked(lg__p_at(rt, i), is_at_once);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    return has_more;
}

bool lg__ps_flush_idle(struct lg_runtime *rt)
{
    return flush_idle(rt, false);
}

void lg__ps_flush_idle_now(struct lg_runtime *rt)
{
    flush_idle(rt, true);
}

static struct p *make_p(struct lg_runtime *rt, uint32_t number)
{
    struct p *p = lg__alloc_new(&rt->alloc, sizeof *p);
    if (!p) {
        return NULL;
    }
    p->number = number;
    lg__p_seed(p, rt->options.seed);
    lg__timers_init(&p->timers);
    lg__mcache_init(&p->mcache, &rt->heap);
    lg__timeline_equip(rt, p);
    return p;
}

void lg__p_free(struct lg_runtime *rt, struct p *p)
{
    lg__alloc_free(&rt->alloc, p, sizeof *p);
}

int lg__ps_grow(struct lg_runtime *rt, uint32_t procs)
{
    for (uint32_t i = lg__nps(rt); i < procs; i++) {
        struct p *p = make_p(rt, i);
        if (!p) {
            return LG_ENOMEM;
        }
        p->is_idle = true;
        // relaxed: ordered by the release of nps
        atomic_store_explicit(&rt->ps[i], p, memory_order_relaxed);
        // release: pairs with the acquire in lg__nps()
        atomic_store_explicit(&rt->nps, i + 1, memory_order_release);
    }
    return LG_OK;
}

struct p *lg__p_borrow_hosts_locked(struct lg_runtime *rt)
{
    struct p *p = rt->host.p;
    LG_ASSERT(p->is_idle && !lg__p_is_active(p));
    p->is_idle = false;
    p->was_idle = false;
    p->is_flushed = false;
    // seq_cst: as in deactivate_locked()
    atomic_fetch_add_explicit(&rt->nexcess, 1, memory_order_seq_cst);
    return p;
}

// Makes one more active: an owned one in excess at best, whose owner then goes on.
static void activate_any_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    struct p *idle = NULL;
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct p *p = lg__p_at(rt, i);
        bool is_spare = !lg__p_is_active(p) && !p->is_hosts;
        if (is_spare && !p->is_idle) {
            activate_locked(rt, p);
            return;
        }
        idle = idle || !is_spare ? idle : p;
    }
    LG_ASSERT(idle); // lg__ps_grow() has seen to it
    activate_locked(rt, idle);
}

// Makes one less active, an idle one at best.
static void deactivate_any_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    struct p *owned = NULL;
    for (uint32_t i = lg__nps(rt); i-- > 0;) {
        struct p *p = lg__p_at(rt, i);
        if (lg__p_is_active(p) && p->is_idle) {
            deactivate_locked(rt, p);
            return;
        }
        owned = !lg__p_is_active(p) || owned ? owned : p;
    }
    LG_ASSERT(owned); // there are nprocs active ones
    deactivate_locked(rt, owned);
}

void lg__ps_resize_locked(struct lg_runtime *rt, uint32_t procs)
{
    uint32_t before = lg__nprocs(rt);
    // seq_cst: see idle.h; Ms compare nidle with it
    atomic_store_explicit(&rt->nprocs, procs, memory_order_seq_cst);
    for (uint32_t i = before; i < procs; i++) {
        activate_any_locked(rt);
    }
    for (uint32_t i = procs; i < before; i++) {
        deactivate_any_locked(rt);
    }
}

// One that is idle and in excess; NULL: there is none.
static struct p *spare_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct p *p = lg__p_at(rt, i);
        if (!lg__p_is_active(p) && p->is_idle && !p->is_hosts) {
            return p;
        }
    }
    uint32_t nps = lg__nps(rt);
    return nps < PS_MAX && lg__ps_grow(rt, nps + 1) == LG_OK ? lg__p_at(rt, nps) : NULL;
}

bool lg__p_replace(struct lg_runtime *rt, struct p *p)
{
    lg__lock(&rt->lock, RANK_SCHED);
    // It may have been given up, and be somebody else's.
    bool is_owned = lg__p_is_active(p) && !p->is_idle;
    struct p *other = is_owned ? spare_locked(rt) : NULL;
    if (other) {
        deactivate_locked(rt, p);
        activate_locked(rt, other);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    return other != NULL;
}
