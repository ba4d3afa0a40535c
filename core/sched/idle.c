// SPDX-License-Identifier: MIT
#include "sched/idle.h"

#include "os/clock.h"
#include "os/cpu.h"
#include "sched/host.h"
#include "sched/order.h"
#include "sched/sched.h"
#include "sched/steal.h"
#include "sched/sysmon.h"
#include "sched/tidy.h"
#include "sched/wake.h"
#include "sched/world.h"

// How often a spinning M looks through all Ps before it sleeps; with the pauses between
// about 20 us, the price of a futex wake. In between it looks more often whether some
// P leaves its runnext lying: a goroutine that waits at once lets its P come to that
// sooner, and with a warmer cache.
enum { SPIN_ROUNDS = LG_SIZED(16, 2), GLANCES_PER_ROUND = 10, PAUSES_PER_GLANCE = 4 };

// ---------------------------------------------------------------------------
// The global queue
// ---------------------------------------------------------------------------

void lg__nglobal_publish_locked(struct lg_runtime *rt)
{
    // seq_cst: see idle.h
    atomic_store_explicit(&rt->nglobal, rt->global.count, memory_order_seq_cst);
}

// relaxed: a peek; who goes idle looks again, in lg__has_work()
static bool seems_empty(struct lg_runtime *rt)
{
    return atomic_load_explicit(&rt->nglobal, memory_order_relaxed) == 0;
}

struct runnable *lg__global_pop_one(struct lg_runtime *rt)
{
    if (seems_empty(rt)) {
        return NULL;
    }
    lg__lock(&rt->lock, RANK_SCHED);
    struct runnable *r = lg__globq_pop(&rt->global);
    lg__nglobal_publish_locked(rt);
    lg__unlock(&rt->lock, RANK_SCHED);
    return r;
}

struct runnable *lg__global_pop(struct lg_runtime *rt, struct p *p)
{
    if (seems_empty(rt)) {
        return NULL;
    }
    lg__lock(&rt->lock, RANK_SCHED);
    struct runnable *r = lg__globq_pop(&rt->global);
    size_t share = rt->global.count / lg__nprocs(rt);
    if (share > RUNQ_CAP / 2) {
        share = RUNQ_CAP / 2;
    }
    while (r && share-- > 0 && lg__runq_len(&p->runq) < RUNQ_CAP) {
        struct runnable *more = lg__globq_pop(&rt->global);
        // release: an idle P was told when it was queued globally
        lg__runq_push(&p->runq, more, memory_order_release);
    }
    lg__nglobal_publish_locked(rt);
    lg__unlock(&rt->lock, RANK_SCHED);
    return r;
}

// ---------------------------------------------------------------------------
// Looking for work
// ---------------------------------------------------------------------------

void lg__idle_run_timers(struct m *m)
{
    int64_t now_ns = LG_NEVER;
    for (uint32_t i = 0; i < lg__nps(m->rt); i++) {
        struct timers *ts = &lg__p_at(m->rt, i)->timers;
        if (lg__timers_next(ts) != LG_NEVER) {
            now_ns = now_ns == LG_NEVER ? lg__now(m->rt) : now_ns;
            lg__timers_run(ts, now_ns, m);
        }
    }
}

// What the timers and the other Ps have brought meanwhile.
static struct runnable *look_around(struct m *m)
{
    lg__idle_run_timers(m);
    struct p *p = m->p;
    // acquire: pairs with the release in sched.c:push_next(); a timer's
    // function may have put it there, and thieves leave it alone
    struct runnable *r =
        atomic_exchange_explicit(&p->runnext, NULL, memory_order_acquire);
    if (!r) {
        r = lg__runq_pop(&p->runq);
    }
    if (!r) {
        r = lg__global_pop(m->rt, p);
    }
    return r ? r : lg__steal(m);
}

static struct runnable *spin_round(struct m *m, struct lingering *seen)
{
    for (int i = 0; i < GLANCES_PER_ROUND; i++) {
        for (int j = 0; j < PAUSES_PER_GLANCE; j++) {
            lg__cpu_pause();
        }
        struct runnable *r = lg__steal_lingering(m, seen);
        if (r) {
            return r;
        }
    }
    return look_around(m);
}

struct runnable *lg__find_elsewhere(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    uint32_t nprocs = lg__nprocs(rt);
    if (lg__order_is_kept(rt)) {
        return NULL; // the loop has looked at all there is
    }
    struct runnable *r = look_around(m);
    if (!r && nprocs > 1 && lg__netpoll_is_awaited(rt)) {
        lg__netpoll_look(rt);
        r = lg__runq_pop(&m->p->runq);
    }
    if (!r && rt->gc_door.idle_worker) {
        struct lg_g *worker = rt->gc_door.idle_worker(rt, m->p);
        r = worker ? &worker->run : NULL;
    }
    if (r || nprocs == 1) {
        return r;
    }
    if (!m->is_spinning) {
        // seq_cst: see idle.h. At most half the busy Ps spin.
        uint32_t nspinning = atomic_load_explicit(&rt->nspinning, memory_order_seq_cst);
        uint32_t nidle = atomic_load_explicit(&rt->nidle, memory_order_seq_cst);
        if (2 * nspinning >= nprocs - (nidle < nprocs ? nidle : nprocs)) {
            return NULL;
        }
        m->is_spinning = true;
        atomic_fetch_add_explicit(&rt->nspinning, 1, memory_order_seq_cst);
    }
    struct lingering seen = {0};
    for (int i = 0; i < SPIN_ROUNDS && !(lg__interrupts(rt) & INTERRUPTS_TO_HEED); i++) {
        r = spin_round(m, &seen);
        if (r) {
            return r;
        }
    }
    return NULL;
}

// ---------------------------------------------------------------------------
// Sleeping
// ---------------------------------------------------------------------------

bool lg__has_work(struct lg_runtime *rt)
{
    // seq_cst: see idle.h
    return atomic_load_explicit(&rt->nglobal, memory_order_seq_cst) > 0 ||
           lg__has_stealable(rt) ||
           atomic_load_explicit(&rt->order.nbeside, memory_order_seq_cst) > 0 ||
           lg__input_has_arrived(&rt->inputs);
}

int64_t lg__first_timer(struct lg_runtime *rt)
{
    int64_t first_ns = lg__timers_next(&rt->order.timers);
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        int64_t next_ns = lg__timers_next(&lg__p_at(rt, i)->timers);
        first_ns = next_ns < first_ns ? next_ns : first_ns;
    }
    return first_ns;
}

// Of all Ps' timers sysmon finds those that are due, while some P is busy; the last M
// that goes idle sleeps until the first.
void lg__wake_for_rest(struct lg_runtime *rt)
{
    // seq_cst: either we see that all are idle, or the last that becomes idle does
    bool are_all_idle =
        atomic_load_explicit(&rt->nidle, memory_order_seq_cst) >= lg__nprocs(rt);
    if (lg__has_work(rt) || (are_all_idle && (lg__first_timer(rt) != LG_NEVER ||
                                              lg__netpoll_is_unattended(rt)))) {
        lg__wake_if_idle(rt);
    }
}

bool lg__has_runnext(struct lg_runtime *rt)
{
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        // relaxed: all Ps are idle, nothing changes; or a guess
        if (atomic_load_explicit(&lg__p_at(rt, i)->runnext, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

uint64_t lg__count_queued(struct lg_runtime *rt)
{
    // relaxed: a figure
    uint64_t count = atomic_load_explicit(&rt->nglobal, memory_order_relaxed);
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct p *p = lg__p_at(rt, i);
        count += lg__runq_len(&p->runq) +
                 (atomic_load_explicit(&p->runnext, memory_order_relaxed) != NULL);
    }
    return count;
}

// Everything waits and nothing can wake it. A P in excess is not among the idle
// ones that nidle counts, and may still run something; a blocking call returns.
static bool is_dead_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    // seq_cst: see idle.h; relaxed: nholds only matters when all is still
    return rt->driver && !rt->driver->update && !lg__host_has_work(rt) &&
           atomic_load_explicit(&rt->nexcess, memory_order_seq_cst) == 0 &&
           atomic_load_explicit(&rt->nblocked, memory_order_seq_cst) == 0 &&
           atomic_load_explicit(&rt->nidle, memory_order_seq_cst) == lg__nprocs(rt) &&
           atomic_load_explicit(&rt->nspinning, memory_order_seq_cst) == 0 &&
           atomic_load_explicit(&rt->nholds, memory_order_relaxed) == 0 &&
           !lg__netpoll_is_awaited(rt) && !lg__has_work(rt) && !lg__has_runnext(rt) &&
           lg__first_timer(rt) == LG_NEVER;
}

void lg__idle_look_for_deadlock_locked(struct lg_runtime *rt)
{
    if (!is_dead_locked(rt)) {
        return;
    }
    rt->is_deadlocked = true;
    // release: pairs with the acquire in lg__interrupts()
    atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_DRIVE, memory_order_release);
    lg__m_wake(rt, rt->driver);
}

// How long the M may sleep: until its former P's next timer, or until any
// timer if nobody else is awake to look at them (else sysmon does).
static int64_t sleep_timeout(struct lg_runtime *rt, struct p *former)
{
    bool is_last =
        atomic_load_explicit(&rt->nidle, memory_order_seq_cst) == lg__nprocs(rt);
    int64_t until_ns = is_last  ? lg__first_timer(rt)
                       : former ? lg__timers_next(&former->timers)
                                : LG_NEVER;
    if (until_ns == LG_NEVER) {
        return -1;
    }
    int64_t left_ns = until_ns - lg__now(rt);
    if (left_ns <= 0) {
        return 0;
    }
    if (lg__order_is_kept(rt)) {
        return lg__order_sleep_ns(rt, left_ns);
    }
    return rt->options.clock ? -1 : left_ns; // lg_clock_moved() wakes
}

int64_t lg__idle_timeout(struct lg_runtime *rt)
{
    return sleep_timeout(rt, NULL);
}

// Without sysmon an M tidies up while it idles.
static int64_t tidy_or_sleep(struct lg_runtime *rt, int64_t timeout_ns)
{
    bool is_ours = !lg__sysmon_is_wanted(rt) && !rt->options.clock;
    bool is_long = timeout_ns < 0 || timeout_ns > TIDY_PERIOD_NS;
    return is_ours && lg__tidy(rt) && is_long ? TIDY_PERIOD_NS : timeout_ns;
}

// Work has come while the M was on its way to sleep: it takes a P back and
// looks for it, as a spinner, so that it wakes another if there is more.
static bool take_p_back_locked(struct lg_runtime *rt, struct m *m) LG_REQUIRES(rt->lock)
{
    lg__m_set_p(m, lg__has_work(rt) ? lg__take_idle_p_locked(rt) : NULL);
    if (m->p) {
        m->is_spinning = true;
        // seq_cst: see idle.h
        atomic_fetch_add_explicit(&rt->nspinning, 1, memory_order_seq_cst);
    }
    return m->p != NULL;
}

// The driver, and what is pinned to its thread waits for it.
static bool is_hosts_due_locked(struct lg_runtime *rt, struct m *m) LG_REQUIRES(rt->lock)
{
    if (!m->is_driver) {
        return false;
    }
    lg__host_goes_to_sleep(rt);
    return lg__host_has_work(rt);
}

bool lg__idle_is_called_away(struct m *m)
{
    uint32_t interrupts = lg__interrupts(m->rt);
    return (interrupts & INTERRUPT_STOP) != 0 ||
           (m->is_driver && (interrupts & INTERRUPT_DRIVE) != 0);
}

// Puts the M into the idle list, unless something has come up. False: it has.
// The last look for work is under the lock: who queues some and finds no M to
// wake has had the lock before us.
static bool enter_idle_list(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    lg__lock(&rt->lock, RANK_SCHED);
    bool may_sleep = !lg__idle_is_called_away(m) && !is_hosts_due_locked(rt, m) &&
                     !take_p_back_locked(rt, m);
    if (may_sleep) {
        lg__idle_look_for_deadlock_locked(rt);
        m->is_idle = true;
        m->idle_since_ns = lg__now_coarse(rt);
        m->given_p = NULL;
        m->given_spinning = false;
        lg__list_push_front(&rt->idle_ms, &m->node);
        rt->nidle_ms++;
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    if (may_sleep) {
        lg__world_leave(rt, m);
    }
    return may_sleep;
}

// Out of the idle list, with what the waker gave; without a waker, with an
// idle P if there is one.
static void leave_idle_list(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    lg__world_enter(rt, m);
    lg__lock(&rt->lock, RANK_SCHED);
    if (m->is_idle) {
        lg__list_remove(&rt->idle_ms, &m->node);
        m->is_idle = false;
        rt->nidle_ms--;
        m->given_p = lg__take_idle_p_locked(rt);
        m->given_spinning = false;
    }
    lg__m_set_p(m, m->given_p);
    m->is_spinning = m->given_spinning;
    m->given_p = NULL;
    lg__unlock(&rt->lock, RANK_SCHED);
    lg__now(rt); // refreshes the coarse clock
    lg__sysmon_rouse(rt);
}

static void stop_spinning_to_sleep(struct m *m)
{
    if (m->is_spinning) {
        m->is_spinning = false;
        // seq_cst: see idle.h; lg__has_work() comes after
        atomic_fetch_sub_explicit(&m->rt->nspinning, 1, memory_order_seq_cst);
    }
}

bool lg__idle(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    struct p *former = m->p;
    if (former) {
        lg__m_set_p(m, NULL);
        lg__put_idle_p(rt, former);
    }
    stop_spinning_to_sleep(m);
    bool has_slept = enter_idle_list(m);
    uint64_t told[NETPOLL_BATCH];
    int ntold = 0;
    if (has_slept) {
        int64_t timeout_ns = tidy_or_sleep(rt, sleep_timeout(rt, former));
        int64_t since_ns = lg__order_is_kept(rt) ? lg__clock_now() : 0;
        ntold = lg__netpoll_sleep(m, timeout_ns, told);
        if (lg__order_is_kept(rt)) {
            lg__order_slept(rt, lg__clock_now() - since_ns);
        }
        leave_idle_list(m);
    }
    if (m->is_driver) {
        lg__host_is_up(rt);
    }
    if (!has_slept) {
        lg__sysmon_rouse(rt);
        return true;
    }
    if (ntold > 0) {
        lg__netpoll_queue(rt, told, ntold);
    }
    if (m->must_end) {
        lg__wake_for_rest(rt); // it may be we who waited for the first timer
    }
    return !m->must_end;
}

// Thieves leave runnext alone; without its owner it must stand in the ring.
void lg__p_show_runnext(struct p *p)
{
    // acquire: pairs with the release in sched.c:push_next()
    struct runnable *r =
        atomic_exchange_explicit(&p->runnext, NULL, memory_order_acquire);
    if (r && !lg__runq_push(&p->runq, r, memory_order_seq_cst)) {
        // The ring is full, so it is looked at; sysmon finds the rest.
        atomic_store_explicit(&p->runnext, r, memory_order_release);
        atomic_store_explicit(&p->is_starving, true, memory_order_relaxed);
    }
}

bool lg__idle_must_leave(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    uint32_t interrupts = lg__interrupts(rt);
    bool must_leave = lg__idle_is_called_away(m);
    bool is_retired = m->p && (lg__p_asks(m->p) & ASK_RETIRE);
    if (!must_leave && !is_retired) {
        return false;
    }
    if (m->next) {
        lg__sched_requeue(m->next);
        m->next = NULL;
    }
    stop_spinning_to_sleep(m);
    if (m->p) {
        struct p *p = m->p;
        lg__m_set_p(m, NULL);
        lg__p_show_runnext(p);
        lg__put_idle_p(rt, p);
    }
    if (!must_leave) {
        lg__m_set_p(m, lg__take_idle_p(rt));
    }
    // Others look after it from now on; and if we were spinning, pushes have
    // relied on us.
    if (!(interrupts & INTERRUPT_STOP) &&
        (lg__has_work(rt) || lg__first_timer(rt) != LG_NEVER ||
         lg__netpoll_is_unattended(rt))) {
        lg__wake_if_idle(rt);
    }
    return must_leave;
}
