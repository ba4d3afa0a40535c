// SPDX-License-Identifier: MIT
#include "sched/errand.h"

#include "sched/drive.h"
#include "sched/host.h"
#include "sched/idle.h"
#include "sched/m.h"

// In the place of the loop. What the errand has made runnable waits in queues.
static void errand_entry(void *carried)
{
    struct m *m = carried;
    lg__ctx_entered();
    lg__m_after_switch(m);
    m->errand(m->errand_arg);
    // release: pairs with the acquire in lg__interrupts()
    atomic_fetch_or_explicit(&m->rt->interrupts, INTERRUPT_DRIVE, memory_order_release);
    lg__idle_must_leave(m); // gives its P up
    lg__m_leave();
}

static struct p *take_p(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    struct p *p =
        lg__host_is_on(rt) ? lg__host_take_p_locked(rt) : lg__take_idle_p_locked(rt);
    lg__unlock(&rt->lock, RANK_SCHED);
    return p;
}

static int run(struct lg_runtime *rt, struct m *m)
{
    struct p *p = take_p(rt);
    if (!p) {
        return LG_EBUSY;
    }
    lg__m_set_p(m, p);
    int err = lg__m_new_loop_for(m, errand_entry) ? lg__m_enter(m) : LG_ENOMEM;
    if (err) {
        lg__m_set_p(m, NULL);
        lg__put_idle_p(rt, p);
    }
    return err;
}

int lg__errand_run(struct lg_runtime *rt, void (*fn)(void *arg), void *arg)
{
    if (!lg__host_try_enter(rt)) {
        return LG_EBUSY;
    }
    struct m *m = lg__driver_enter(rt, 0, NULL);
    m->errand = fn;
    m->errand_arg = arg;
    int err = run(rt, m);
    lg__driver_leave(rt);
    lg__host_leave(rt);
    if (lg__host_is_on(rt)) {
        lg__host_tell_left(rt);
    }
    return err;
}
