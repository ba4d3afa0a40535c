// SPDX-License-Identifier: MIT
#include "sched/preempt.h"

#include "os/clock.h"
#include "sched/sched.h"
#include "sched/strand.h"
#include "sched/world.h"

int64_t lg_slice_ns(const lg_runtime *rt)
{
    bool is_on = rt->options.slice_ns > 0 && lg__world_has_signals(rt);
    return is_on ? rt->options.slice_ns : LG_NEVER;
}

void lg__preempt_yield(void)
{
    struct m *m = lg__m();
    if (m && m->g && !m->g->strand && m->p) {
        lg__sched_switch(m, AFTER_YIELD);
    }
}

// Whether the M's thread has run since it was last looked at in this slice. If it sleeps in
// a system call a signal would only cut that short.
static bool has_run(struct m *m, int64_t *cpu_ns)
{
    int64_t now_ns = lg__clock_cpu_of(m->thread_handle);
    bool has_run = *cpu_ns != CPU_UNKNOWN && now_ns != *cpu_ns;
    *cpu_ns = now_ns;
    return has_run;
}

// Under the world's lock a thread that is inside does not end.
void lg__preempt_signal(struct lg_runtime *rt, struct p *p, int64_t *cpu_ns)
{
    lg__lock(&rt->world.lock, RANK_WORLD);
    struct node *node = rt->world.inside.first;
    for (; node; node = node->next) {
        struct m *m = LG_CONTAINER_OF(node, struct m, inside_node);
        // relaxed: as in lg__m_set_p(). One that has another P by now is interrupted
        // for nothing: its handler looks again
        if (atomic_load_explicit(&p->m, memory_order_relaxed) == m) {
            if (m->suspendable.is_able && has_run(m, cpu_ns)) {
                lg__suspend_ask(m->thread_handle);
            }
            break;
        }
    }
    lg__unlock(&rt->world.lock, RANK_WORLD);
}

// The strand decides by the interrupted instruction whether the interpreter can be
// asked. That it is one of its own says that the M is in none of ours.
void lg__preempt_on_signal(struct m *m, const struct interruption *at)
{
    struct lg_g *g = m->g;
    struct lg_strand *s = m->strand;
    if (m->after != AFTER_NOTHING || !g || !s || g->strand != s || !s->ops->interrupt ||
        !lg__preempt_is_wanted(m) || !lg__nostop_is_clear()) {
        return;
    }
    if (s->ops->interrupt(s, g, g->extra, at->pc)) {
        // relaxed: for sysmon, which asks again otherwise
        atomic_store_explicit(&m->p->is_heard, true, memory_order_relaxed);
    }
}
