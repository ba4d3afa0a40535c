// SPDX-License-Identifier: MIT
//
// What the host's thread does next, in lg_update() and in lg_drive().
#include "sched/host.h"
#include "sched/idle.h"
#include "sched/order.h"
#include "sched/sched.h"
#include "sched/sysmon.h"
#include "sched/wake.h"
#include "sched/world.h"

// Rounds between two looks at the timers, and at the poll set.
enum { TIMERS_EVERY = LG_SIZED(8, 2), NETPOLL_EVERY = LG_SIZED(61, 3) };

static void take_p(struct m *m)
{
    lg__lock(&m->rt->lock, RANK_SCHED);
    lg__m_set_p(m, lg__host_take_p_locked(m->rt));
    lg__unlock(&m->rt->lock, RANK_SCHED);
}

// Others come to what is left in its queue. The host's own P has none, and keeps what it
// has at hand.
static void give_up_p(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    struct p *p = m->p;
    lg__m_set_p(m, NULL);
    lg__p_show_runnext(p);
    if (!p->is_hosts) {
        lg__put_idle_p(rt, p);
        return;
    }
    if (lg__runq_len(&p->runq) > 0) {
        lg__p_give_queue(rt, p);
    }
    lg__lock(&rt->lock, RANK_SCHED);
    lg__put_idle_p_locked(rt, p);
    lg__unlock(&rt->lock, RANK_SCHED);
}

// A driver that runs only what is pinned has the host's P: then what it makes runnable
// besides goes to others.
static bool is_host_only(struct m *m)
{
    return m->p->is_hosts;
}

static void wake_others(struct lg_runtime *rt)
{
    if (lg__host_is_apart(rt) && (lg__has_work(rt) || lg__netpoll_is_unattended(rt))) {
        lg__wake_if_idle(rt);
    }
}

static void see_to_p(struct m *m)
{
    if (m->p && lg__host_is_apart(m->rt) && !m->p->is_hosts) {
        give_up_p(m); // procs have become more
        wake_others(m->rt);
    }
    if (!m->p) {
        take_p(m);
    }
}

// What the two kinds of queues have, in turn, so that none hides the other.
static struct runnable *pop(struct m *m)
{
    struct host *h = &m->rt->host;
    bool has_general = !is_host_only(m);
    struct runnable *r = NULL;
    if (has_general && h->tick % 2 == 0) {
        r = lg__pop_any(m);
    }
    r = r ? r : lg__host_pop(h);
    return r || !has_general ? r : lg__pop_any(m);
}

static struct runnable *find(struct m *m)
{
    struct host *h = &m->rt->host;
    if (lg__order_is_kept(m->rt)) {
        return lg__order_pop(m);
    }
    h->tick++;
    lg__begin_round(m->p);
    if (h->tick % TIMERS_EVERY == 0) {
        lg__idle_run_timers(m);
    }
    if (h->tick % NETPOLL_EVERY == 0) {
        lg__host_look_at_pollset(m->rt);
    }
    struct runnable *r = pop(m);
    if (!r) {
        lg__idle_run_timers(m);
        lg__host_look_at_pollset(m->rt);
        r = pop(m);
    }
    return r;
}

// ---------------------------------------------------------------------------
// Sleeping in lg_drive()
// ---------------------------------------------------------------------------

static bool must_sleep_locked(struct lg_runtime *rt, struct m *m) LG_REQUIRES(rt->lock)
{
    return !lg__host_has_work(rt) && !lg__idle_is_called_away(m) && lg__host_is_apart(rt);
}

static void sleep_locked(struct lg_runtime *rt, struct m *m) LG_REQUIRES(rt->lock)
{
    m->is_wired_asleep = true;
    lg__list_push_back(&rt->wired_ms, &m->node);
    lg__idle_look_for_deadlock_locked(rt);
    int64_t timeout_ns = lg__idle_timeout(rt);
    while (must_sleep_locked(rt, m) && timeout_ns != 0) {
        lg__unlock(&rt->lock, RANK_SCHED);
        lg__note_sleep(&m->note, timeout_ns);
        lg__lock(&rt->lock, RANK_SCHED);
        timeout_ns = lg__idle_timeout(rt);
    }
    m->is_wired_asleep = false;
    lg__list_remove(&rt->wired_ms, &m->node);
}

// With threads of ours beside it the driver sleeps like an M that waits for what is wired
// to it: it is not woken for anything else.
static void sleep_apart(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    give_up_p(m);
    wake_others(rt);
    lg__world_leave(rt, m);
    lg__lock(&rt->lock, RANK_SCHED);
    lg__host_goes_to_sleep(rt);
    if (must_sleep_locked(rt, m)) {
        sleep_locked(rt, m);
    }
    lg__host_is_up(rt);
    lg__unlock(&rt->lock, RANK_SCHED);
    lg__world_enter(rt, m);
    lg__now(rt); // refreshes the coarse clock
    lg__sysmon_rouse(rt);
}

static enum host_turn leave(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    if (m->p) {
        give_up_p(m);
    }
    wake_others(rt);
    return HOST_LEAVES;
}

struct runnable *lg__host_give_way(struct m *m)
{
    if (m->next) {
        lg__sched_requeue(m->next);
        m->next = NULL;
    }
    m->update->has_given_way = true;
    leave(m);
    return NULL;
}

enum host_turn lg__host_next(struct m *m, struct runnable **out)
{
    if (lg__update_is_over(m)) {
        return leave(m);
    }
    see_to_p(m);
    *out = find(m);
    if (*out) {
        return HOST_RUNS;
    }
    if (m->update) {
        return leave(m);
    }
    if (!lg__host_is_apart(m->rt)) {
        return lg__idle(m) ? HOST_LOOKS_UP : HOST_LEAVES;
    }
    sleep_apart(m);
    return HOST_LOOKS_UP;
}
