// SPDX-License-Identifier: MIT
//
// The life of a P: made, idle, owned, retired.
#include "sched/p.h"

#include "sched/idle.h"
#include "sched/sysmon.h"

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

void lg__put_idle_p_locked(struct lg_runtime *rt, struct p *p)
{
    p->is_idle = true;
    if (p->number < lg__nprocs(rt)) {
        lg__list_push_front(&rt->idle_ps, &p->node);
        // seq_cst: see idle.h
        atomic_fetch_add_explicit(&rt->nidle, 1, memory_order_seq_cst);
    }
}

// A retired P's queue goes to the global one; its timers are polled by others.
static void drain_retired(struct lg_runtime *rt, struct p *p)
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
    lg__g_cache_flush(&rt->gs, &p->gs);
    lg__stack_cache_flush(&rt->stacks, &p->stacks);
    lg__mcache_flush(&p->mcache);
}

// When the last owned P in excess is given up, nobody need look up any more.
static void clear_retire_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    for (uint32_t i = lg__nprocs(rt); i < lg__nps(rt); i++) {
        if (!lg__p_at(rt, i)->is_idle) {
            return;
        }
    }
    // relaxed: seen a round later it costs nothing
    atomic_fetch_and_explicit(&rt->interrupts, ~(uint32_t)INTERRUPT_RETIRE,
                              memory_order_relaxed);
}

void lg__put_idle_p(struct lg_runtime *rt, struct p *p)
{
    if (p->number >= lg__nprocs(rt)) {
        drain_retired(rt, p);
        if (rt->gc_door.p_retired) {
            rt->gc_door.p_retired(rt, p);
        }
    }
    lg__lock(&rt->lock, RANK_SCHED);
    lg__put_idle_p_locked(rt, p);
    clear_retire_locked(rt);
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
    p->rand.state = rt->options.seed + number * 0x9e3779b97f4a7c15ULL;
    lg__timers_init(&p->timers);
    lg__mcache_init(&p->mcache, &rt->heap);
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

void lg__ps_resize_locked(struct lg_runtime *rt, uint32_t procs)
{
    uint32_t before = lg__nprocs(rt);
    // seq_cst: see idle.h; Ms compare nidle with it
    atomic_store_explicit(&rt->nprocs, procs, memory_order_seq_cst);
    for (uint32_t i = procs; i < before; i++) {
        struct p *p = lg__p_at(rt, i);
        if (p->is_idle) {
            lg__list_remove(&rt->idle_ps, &p->node);
            atomic_fetch_sub_explicit(&rt->nidle, 1, memory_order_seq_cst);
        }
    }
    for (uint32_t i = before; i < procs; i++) {
        struct p *p = lg__p_at(rt, i);
        if (p->is_idle) {
            lg__put_idle_p_locked(rt, p);
        }
    }
    // An owner in excess looks up at its next round.
    // release: pairs with the acquire in lg__interrupts(). seq_cst: sysmon is
    // roused after, see sleep_while_idle()
    atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_RETIRE, memory_order_seq_cst);
    clear_retire_locked(rt);
}
