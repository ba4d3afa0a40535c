// SPDX-License-Identifier: MIT
#include "sched/handover.h"

#include "sched/idle.h"
#include "sched/sched.h"
#include "sched/sysmon.h"
#include "sched/wake.h"

bool lg__hand_over(struct lg_runtime *rt, struct p *p)
{
    if (!lg__p_replace(rt, p)) {
        return false;
    }
    // Nobody else comes to it.
    // relaxed: for thieves
    atomic_store_explicit(&p->is_starving, true, memory_order_relaxed);
    lg__wake_if_idle(rt);
    lg__sysmon_rouse(rt);
    return true;
}

void lg__hand_to_waiter(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    if (!m->p || !(lg__interrupts(rt) & INTERRUPT_P_WANTED)) {
        return;
    }
    if (m->next) {
        lg__sched_requeue(m->next);
        m->next = NULL;
    }
    if (m->is_spinning) {
        lg__stop_spinning(m);
    }
    lg__p_show_runnext(m->p);
    lg__lock(&rt->lock, RANK_SCHED);
    lg__give_p_locked(rt, m);
    lg__unlock(&rt->lock, RANK_SCHED);
}
