// SPDX-License-Identifier: MIT
#include "sched/wake.h"

#include "sched/drive.h"
#include "sched/host.h"
#include "sched/idle.h"
#include "sched/sched.h"
#include "sched/sysmon.h"

// An M to run a P: an idle one, or a new one. The driver's thread counts as
// one of procs, so that with one P nothing runs on a thread of our own, but while that
// one does not come to it.
static struct m *take_idle_m_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    struct node *node = lg__list_pop_front(&rt->idle_ms);
    if (!node) {
        return NULL;
    }
    struct m *m = LG_CONTAINER_OF(node, struct m, node);
    m->is_idle = false;
    rt->nidle_ms--;
    rt->nwakeups++;
    return m;
}

static struct m *make_m_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    // seq_cst: as everywhere
    uint32_t naside = atomic_load_explicit(&rt->nexcess, memory_order_seq_cst) +
                      atomic_load_explicit(&rt->nblocked, memory_order_seq_cst) +
                      atomic_load_explicit(&rt->nwired_asleep, memory_order_seq_cst);
    // relaxed: changed under the lock
    bool is_apart = atomic_load_explicit(&rt->host.is_apart, memory_order_relaxed);
    uint32_t ndrivers = is_apart ? 0 : 1;
    if (rt->nmade + ndrivers >= lg__nprocs(rt) + naside || rt->nmade >= MS_MAX ||
        (lg__interrupts(rt) & INTERRUPT_STOP)) {
        return NULL;
    }
    struct m *m = lg__alloc_new(&rt->alloc, sizeof *m);
    if (m) {
        m->rt = rt;
        m->number = ++rt->last_m;
        m->next_made = rt->made;
        rt->made = m;
        rt->nmade++;
        rt->nlive++;
        // relaxed: changed and awaited under the lock, and below
        atomic_fetch_add_explicit(&rt->nstarting, 1, memory_order_relaxed);
    }
    return m;
}

// The spinner that the caller counted cannot be had. Under the lock, or a push
// meanwhile would rely on one that does not exist.
static void uncount_spinner_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    // seq_cst: see idle.h
    atomic_fetch_sub_explicit(&rt->nspinning, 1, memory_order_seq_cst);
}

// Takes back an M whose thread the system refused. An M that has gone to sleep
// since has its P and looks for work: pushes have relied on the spinner, and
// who went to sleep did not see a deadlock while the P was busy.
static void unmake_m(struct lg_runtime *rt, struct m *m)
{
    lg__lock(&rt->lock, RANK_SCHED);
    struct m **at = &rt->made;
    while (*at != m) {
        at = &(*at)->next_made;
    }
    *at = m->next_made;
    rt->nmade--;
    lg__m_left_locked(rt);
    struct p *p = m->p;
    lg__m_set_p(m, NULL); // sysmon looks at whose a P is
    struct m *other = take_idle_m_locked(rt);
    if (other) {
        other->given_p = p;
        other->given_spinning = true;
    } else {
        lg__put_idle_p_locked(rt, p);
        uncount_spinner_locked(rt);
    }
    bool is_first = !rt->has_thread_trouble;
    rt->has_thread_trouble = true;
    // relaxed: changed under the lock
    uint32_t procs = atomic_load_explicit(&rt->procs, memory_order_relaxed);
    lg__ps_resize_locked(rt, lg__host_share_locked(rt, procs));
    if (other) {
        lg__m_wake(rt, other);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    lg__sysmon_rouse(rt);
    lg__m_free_loop(m);
    lg__alloc_free(&rt->alloc, m, sizeof *m);
    if (is_first && rt->options.on_log) {
        rt->options.on_log(rt->options.ud,
                           "the system refuses a thread: fewer cores are used");
    }
}

// Hands an idle P to an M that then looks for work; the caller has counted it
// as spinning. False, and uncounted again: there is no P, or no M for it. All
// Ms that are not in the list yet look for work once more before they are.
static bool start_spinner(struct lg_runtime *rt)
{
    struct m *fresh = NULL;
    lg__lock(&rt->lock, RANK_SCHED);
    struct p *p = lg__take_idle_p_locked(rt);
    struct m *m = p ? take_idle_m_locked(rt) : NULL;
    if (m) {
        m->given_p = p;
        m->given_spinning = true;
    } else if (p) {
        fresh = make_m_locked(rt);
        if (!fresh) {
            lg__put_idle_p_locked(rt, p);
        }
    }
    if (!m && !fresh) {
        uncount_spinner_locked(rt);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    if (m) {
        lg__m_wake(rt, m);
        return true;
    }
    if (!fresh) {
        return false;
    }
    lg__m_set_p(fresh, p);
    fresh->is_spinning = true;
    bool is_started = lg__m_new_loop(fresh) &&
                      lg__thread_start(lg__m_main, fresh, "lagoon-m",
                                       rt->options.signals ? &rt->signal_mask : NULL,
                                       &fresh->handle) == LG_OK;
    if (!is_started) {
        unmake_m(rt, fresh);
    }
    // release: pairs with the acquire in lg__ms_stop(), which joins the thread
    atomic_fetch_sub_explicit(&rt->nstarting, 1, memory_order_release);
    return is_started;
}

void lg__wake_if_idle(struct lg_runtime *rt)
{
    uint32_t none = 0;
    // seq_cst: see idle.h
    if (atomic_load_explicit(&rt->nidle, memory_order_seq_cst) == 0 ||
        atomic_load_explicit(&rt->nspinning, memory_order_seq_cst) != 0 ||
        !atomic_compare_exchange_strong_explicit(
            &rt->nspinning, &none, 1, memory_order_seq_cst, memory_order_seq_cst)) {
        return;
    }
    if (start_spinner(rt)) {
        lg__sysmon_rouse(rt);
    }
}

void lg__stop_spinning(struct m *m)
{
    m->is_spinning = false;
    // seq_cst: see idle.h; others may have relied on us to find their work too
    if (atomic_fetch_sub_explicit(&m->rt->nspinning, 1, memory_order_seq_cst) == 1) {
        lg__wake_if_idle(m->rt);
    }
}
