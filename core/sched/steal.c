// SPDX-License-Identifier: MIT
#include "sched/steal.h"

#include "sched/strand.h"
#include "sched/tracepoint.h"
#include "sched/wake.h"

// What was taken is the caller's, a strand's work too.
static LG_NOINLINE void trace_steal(struct lg_runtime *rt, struct p *victim,
                                    struct runnable *r)
{
    struct lg_g *g = NULL;
    if (r->kind == RUNNABLE_G) {
        g = LG_CONTAINER_OF(r, struct lg_g, run);
    } else if (r->kind == RUNNABLE_STRAND) {
        g = lg__strand_first_ready(LG_CONTAINER_OF(r, struct lg_strand, run));
    }
    lg__trace_emit(rt, LG_TRACE_STEAL, g, victim->number, NULL);
}

static void trace_steals(struct lg_runtime *rt, struct p *victim,
                         struct runnable **stolen, uint32_t count)
{
    for (uint32_t i = 0; lg__trace_is_whole(rt) && i < count; i++) {
        trace_steal(rt, victim, stolen[i]);
    }
}

// What its owner has not come to for a whole period of sysmon.
static struct runnable *steal_next(struct p *victim)
{
    // relaxed: a hint
    if (!atomic_load_explicit(&victim->is_starving, memory_order_relaxed)) {
        return NULL;
    }
    atomic_store_explicit(&victim->is_starving, false, memory_order_relaxed);
    // acquire: pairs with the release in sched.c:push_next()
    return atomic_exchange_explicit(&victim->runnext, NULL, memory_order_acquire);
}

static struct runnable *steal_from(struct lg_runtime *rt, struct p *p, struct p *victim)
{
    struct runnable *batch[RUNQ_CAP / 2];
    uint32_t count = lg__runq_grab(&victim->runq, batch);
    if (count == 0) {
        struct runnable *next = steal_next(victim);
        trace_steals(rt, victim, &next, next != NULL);
        return next;
    }
    trace_steals(rt, victim, batch, count);
    // The newest runs at once, the older ones are queued, as in Go.
    for (uint32_t i = 0; i + 1 < count; i++) {
        // release: an idle P hears of them when this M stops spinning. seq_cst,
        // the last: or from lg__steal(), as in push_next()
        bool has_room = i + 2 < count
                            ? lg__runq_push(&p->runq, batch[i], memory_order_release)
                            : lg__runq_push(&p->runq, batch[i], memory_order_seq_cst);
        LG_ASSERT(has_room);
        (void)has_room;
    }
    return batch[count - 1];
}

struct runnable *lg__steal(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    struct p *p = m->p;
    uint32_t nps = lg__nps(rt);
    // A thief has an empty ring, or (check build) one with room for half.
    if (nps == 1 || lg__runq_len(&p->runq) > RUNQ_CAP / 2) {
        return NULL;
    }
    uint32_t start = lg__rand_below(&p->rand, nps);
    for (uint32_t i = 0; i < nps; i++) {
        struct p *victim = lg__p_at(rt, (start + i) % nps);
        struct runnable *r = victim == p ? NULL : steal_from(rt, p, victim);
        if (r) {
            lg__p_count(&p->nsteals);
            if (!m->is_spinning && lg__runq_len(&p->runq) > 0) {
                lg__wake_if_idle(rt);
            }
            return r;
        }
    }
    return NULL;
}

struct runnable *lg__steal_retired(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    struct p *p = m->p;
    uint32_t nps = lg__nps(rt);
    // relaxed: a hint
    if (atomic_load_explicit(&rt->nexcess, memory_order_relaxed) == 0 ||
        lg__runq_len(&p->runq) > RUNQ_CAP / 2) {
        return NULL;
    }
    uint32_t start = lg__rand_below(&p->rand, nps);
    for (uint32_t i = 0; i < nps; i++) {
        struct p *victim = lg__p_at(rt, (start + i) % nps);
        bool is_retired = victim != p && !lg__p_is_active(victim);
        struct runnable *r = is_retired ? steal_from(rt, p, victim) : NULL;
        if (r) {
            lg__p_count(&p->nsteals);
            return r;
        }
    }
    return NULL;
}

struct runnable *lg__steal_lingering(struct m *m, struct lingering *seen)
{
    struct lg_runtime *rt = m->rt;
    uint32_t nps = lg__nps(rt);
    for (uint32_t i = 0; i < nps && i < LG_PROCS_MAX; i++) {
        struct p *victim = lg__p_at(rt, i);
        if (victim == m->p) {
            continue;
        }
        // relaxed: guesses; the CAS tells. Both on one line
        struct runnable *r = atomic_load_explicit(&victim->runnext, memory_order_relaxed);
        uint32_t tick = atomic_load_explicit(&victim->shown_tick, memory_order_relaxed);
        bool lingers = r && r == seen->runnext[i] && tick == seen->tick[i];
        seen->runnext[i] = r;
        seen->tick[i] = tick;
        // acquire: pairs with the release in sched.c:push_next()
        if (lingers && atomic_compare_exchange_strong_explicit(&victim->runnext, &r, NULL,
                                                               memory_order_acquire,
                                                               memory_order_relaxed)) {
            trace_steals(rt, victim, &r, 1);
            lg__p_count(&m->p->nsteals);
            return r;
        }
    }
    return NULL;
}

bool lg__has_stealable(struct lg_runtime *rt)
{
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct p *p = lg__p_at(rt, i);
        // relaxed: a hint
        if (lg__runq_len(&p->runq) > 0 ||
            (atomic_load_explicit(&p->is_starving, memory_order_relaxed) &&
             atomic_load_explicit(&p->runnext, memory_order_relaxed))) {
            return true;
        }
    }
    return false;
}
