// SPDX-License-Identifier: MIT
//
// Who runs at this moment, as seen from outside.
#include "sched/runtime.h"
#include "sched/world.h"

size_t lg_running(lg_runtime *rt, uint64_t *ids, size_t cap)
{
    size_t n = 0;
    lg__lock(&rt->world.lock, RANK_WORLD);
    struct node *node = rt->world.inside.first;
    for (; node && n < cap; node = node->next) {
        struct m *m = LG_CONTAINER_OF(node, struct m, inside_node);
        // relaxed: a guess; as in lg__m_set_g(). Records stay
        struct lg_g *g = __atomic_load_n(&m->g, __ATOMIC_RELAXED);
        // relaxed: written before it ran
        if (g && !atomic_load_explicit(&g->is_system, memory_order_relaxed)) {
            uint64_t id = lg__g_id(g);
            ids[n] = id;
            n += id != 0;
        }
    }
    lg__unlock(&rt->world.lock, RANK_WORLD);
    return n;
}
