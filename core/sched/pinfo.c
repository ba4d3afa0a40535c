// SPDX-License-Identifier: MIT
//
// What a P does, for those who look at it from outside (lg_get_p_info()).
#include <string.h>

#include "sched/block.h"
#include "sched/runtime.h"
#include "sched/world.h"

static lg_p_status status_of(struct p *p, const struct m *m)
{
    return lg__block_has(p)      ? LG_P_BLOCKED
           : !lg__p_is_active(p) ? LG_P_ASIDE
           : m                   ? LG_P_RUNNING
                                 : LG_P_IDLE;
}

int lg_get_p_info(lg_runtime *rt, size_t index, lg_p_info *out)
{
    if (index >= lg__nps(rt)) {
        return LG_EINVAL;
    }
    struct p *p = lg__p_at(rt, (uint32_t)index);
    lg_p_info info = {.size_bytes = out->size_bytes, .number = (int)p->number};
    // An M is freed after it has given up its P and then left under this lock.
    lg__lock(&rt->lock, RANK_SCHED);
    // relaxed: guesses. Records of goroutines stay
    struct m *m = atomic_load_explicit(&p->m, memory_order_relaxed);
    struct lg_g *g = m ? __atomic_load_n(&m->g, __ATOMIC_RELAXED) : NULL;
    info.status = status_of(p, m);
    info.g = g ? lg__g_id(g) : 0;
    lg__unlock(&rt->lock, RANK_SCHED);
    bool has_next = atomic_load_explicit(&p->runnext, memory_order_relaxed) != NULL;
    info.queued = lg__runq_len(&p->runq) + has_next;
    info.rounds = atomic_load_explicit(&p->shown_tick, memory_order_relaxed);
    info.steals = atomic_load_explicit(&p->nsteals, memory_order_relaxed);
    size_t size_bytes = out->size_bytes < sizeof info ? out->size_bytes : sizeof info;
    memcpy(out, &info, size_bytes);
    return LG_OK;
}
