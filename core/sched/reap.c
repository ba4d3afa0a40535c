// SPDX-License-Identifier: MIT
#include "sched/reap.h"

static const int64_t REAP_AFTER_NS = LG_SIZED(10000, 20) * (int64_t)1000000;

// The one that has been idle longest stands last. The driver's thread is the host's.
static struct m *surplus_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    struct node *node = rt->idle_ms.last;
    struct m *m = node ? LG_CONTAINER_OF(node, struct m, node) : NULL;
    if (m && m->is_driver) {
        node = node->prev;
        m = node ? LG_CONTAINER_OF(node, struct m, node) : NULL;
    }
    bool has_surplus = m && rt->nidle_ms > lg__nprocs(rt);
    return has_surplus ? m : NULL;
}

static bool send_away_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    int64_t now_ns = lg__now_coarse(rt);
    struct m *m;
    while ((m = surplus_locked(rt)) && now_ns - m->idle_since_ns >= REAP_AFTER_NS) {
        lg__list_remove(&rt->idle_ms, &m->node);
        m->is_idle = false;
        rt->nidle_ms--;
        m->must_end = true;
        rt->nleaving++;
        lg__m_wake(rt, m);
    }
    return m != NULL;
}

// Those whose threads have left the loop for good. Not while one is being started: who
// starts it may not have written its handle down yet.
static struct m *take_ended_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    struct m *ended = NULL;
    // acquire: pairs with the release in wake.c:start_spinner(); the handles are there
    bool is_starting = atomic_load_explicit(&rt->nstarting, memory_order_acquire) > 0;
    struct m **at = &rt->made;
    while (*at && !is_starting) {
        struct m *m = *at;
        if (m->has_ended) {
            *at = m->next_made;
            m->next_made = ended;
            ended = m;
            rt->nmade--;
        } else {
            at = &m->next_made;
        }
    }
    return ended;
}

bool lg__ms_reap(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    bool has_more = send_away_locked(rt);
    struct m *ended = take_ended_locked(rt);
    has_more |= rt->nmade > rt->nlive;
    lg__unlock(&rt->lock, RANK_SCHED);
    while (ended) {
        struct m *m = ended;
        ended = m->next_made;
        lg__thread_join(m->handle);
        lg__alloc_free(&rt->alloc, m, sizeof *m);
    }
    return has_more;
}
