// SPDX-License-Identifier: MIT
#include "sched/host.h"

#include "sched/idle.h"
#include "sched/wake.h"

// ---------------------------------------------------------------------------
// Being hosted
// ---------------------------------------------------------------------------

uint32_t lg__host_share_locked(struct lg_runtime *rt, uint32_t procs)
{
    // Without a thread of ours the host's has to do everything.
    bool is_refused = rt->has_thread_trouble && rt->nmade == 0;
    bool apart = lg__host_is_on(rt) && procs > 1 && !is_refused;
    // relaxed: as in lg__host_is_apart()
    atomic_store_explicit(&rt->host.is_apart, apart, memory_order_relaxed);
    return apart ? procs - 1 : procs;
}

static int open_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock)
{
    uint32_t nps = lg__nps(rt);
    int err = lg__ps_grow(rt, nps + 1);
    if (err) {
        return err;
    }
    rt->host.p = lg__p_at(rt, nps);
    rt->host.p->is_hosts = true;
    // relaxed: as in lg__host_is_on()
    atomic_store_explicit(&rt->host.is_on, true, memory_order_relaxed);
    uint32_t procs = atomic_load_explicit(&rt->procs, memory_order_relaxed);
    lg__ps_resize_locked(rt, lg__host_share_locked(rt, procs));
    return LG_OK;
}

int lg__host_open(struct lg_runtime *rt)
{
    int err = LG_OK;
    lg__lock(&rt->lock, RANK_SCHED);
    if (!lg__host_is_on(rt)) {
        err = open_locked(rt);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    return err;
}

// ---------------------------------------------------------------------------
// By who makes something runnable
// ---------------------------------------------------------------------------

static uint32_t where(struct lg_runtime *rt)
{
    // seq_cst: see host.h
    return atomic_load_explicit(&rt->host.where, memory_order_seq_cst);
}

// The driver may be asleep on its note, or in the list of idle Ms: then it needs a P.
static void wake_driver(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    struct m *m = rt->driver;
    if (m && m->is_wired_asleep) {
        lg__note_wake(&m->note);
    } else if (m && m->is_idle) {
        lg__list_remove(&rt->idle_ms, &m->node);
        m->is_idle = false;
        rt->nidle_ms--;
        rt->nwakeups++;
        m->given_p = lg__host_take_p_locked(rt);
        m->given_spinning = false;
        lg__m_wake(rt, m);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
}

static void tell_out(struct lg_runtime *rt)
{
    uint32_t out = HOST_OUT;
    // seq_cst: see host.h
    if (rt->options.on_wake && atomic_compare_exchange_strong_explicit(
                                   &rt->host.where, &out, HOST_TOLD, memory_order_seq_cst,
                                   memory_order_seq_cst)) {
        rt->options.on_wake(rt->options.ud);
    }
}

void lg__host_tell_alone(struct lg_runtime *rt)
{
    if (!lg__host_is_apart(rt) && where(rt) == HOST_OUT) {
        tell_out(rt);
    }
}

void lg__host_tell(struct lg_runtime *rt)
{
    if (lg__host_is_on(rt) && where(rt) == HOST_OUT) {
        tell_out(rt);
    }
}

static void publish_nready(struct host *h)
{
    // relaxed: a hint for others
    atomic_store_explicit(&h->nready, h->ready.count, memory_order_relaxed);
}

static void append_ready(struct host *h, struct runnable *r)
{
    lg__runnable_append(&h->ready, r);
    publish_nready(h);
}

static struct runnable *shift_ready(struct host *h)
{
    struct runnable *r = lg__runnable_shift(&h->ready);
    publish_nready(h);
    return r;
}

static void push_inbox(struct host *h, struct runnable *r)
{
    // relaxed: the CAS tells
    struct runnable *head = atomic_load_explicit(&h->inbox, memory_order_relaxed);
    do {
        r->next = head;
        // seq_cst: see host.h; and a release, which pairs with the acquire in
        // lg__host_take_inbox()
    } while (!atomic_compare_exchange_weak_explicit(
        &h->inbox, &head, r, memory_order_seq_cst, memory_order_relaxed));
}

void lg__host_push(struct lg_runtime *rt, struct runnable *r)
{
    struct m *m = lg__m();
    if (m && m->is_driver && m->rt == rt) {
        append_ready(&rt->host, r);
        return;
    }
    push_inbox(&rt->host, r);
    switch (where(rt)) {
    case HOST_OUT: tell_out(rt); break;
    case HOST_ASLEEP: wake_driver(rt); break;
    default: break; // it looks again before it leaves
    }
}

// ---------------------------------------------------------------------------
// By the driver
// ---------------------------------------------------------------------------

static bool has_inbox(struct lg_runtime *rt)
{
    // seq_cst: see host.h
    return atomic_load_explicit(&rt->host.inbox, memory_order_seq_cst) != NULL;
}

bool lg__host_has_work(struct lg_runtime *rt)
{
    // relaxed: the driver's own; or published by the lock, when it became the driver
    return atomic_load_explicit(&rt->host.nready, memory_order_relaxed) > 0 ||
           has_inbox(rt);
}

void lg__host_goes_to_sleep(struct lg_runtime *rt)
{
    // seq_cst: see host.h
    atomic_store_explicit(&rt->host.where, HOST_ASLEEP, memory_order_seq_cst);
}

void lg__host_is_up(struct lg_runtime *rt)
{
    // relaxed: who wakes it now looks under the lock, and finds it awake
    atomic_store_explicit(&rt->host.where, HOST_IN, memory_order_relaxed);
}

// The inbox, oldest first, behind what was there.
void lg__host_take_inbox(struct host *h)
{
    // acquire: pairs with push_inbox()
    struct runnable *r = atomic_exchange_explicit(&h->inbox, NULL, memory_order_acquire);
    struct runnable *oldest_first = NULL;
    while (r) {
        struct runnable *next = r->next;
        r->next = oldest_first;
        oldest_first = r;
        r = next;
    }
    while (oldest_first) {
        struct runnable *next = oldest_first->next;
        append_ready(h, oldest_first);
        oldest_first = next;
    }
}

struct runnable *lg__host_pop(struct host *h)
{
    // relaxed: a peek; lg__host_take_inbox() acquires
    if (atomic_load_explicit(&h->inbox, memory_order_relaxed)) {
        lg__host_take_inbox(h);
    }
    return shift_ready(h);
}

bool lg__host_forget_locked(struct lg_runtime *rt, struct runnable *r)
{
    struct host *h = &rt->host;
    lg__host_take_inbox(h);
    bool has_stood = false;
    for (size_t count = h->ready.count; count > 0; count--) {
        struct runnable *at = shift_ready(h);
        if (at == r) {
            has_stood = true;
        } else {
            append_ready(h, at);
        }
    }
    return has_stood;
}

struct p *lg__host_take_p_locked(struct lg_runtime *rt)
{
    struct p *p = lg__host_is_apart(rt) ? NULL : lg__take_idle_p_locked(rt);
    return p ? p : lg__p_borrow_hosts_locked(rt);
}

void lg__host_enter(struct lg_runtime *rt)
{
    LG_MISUSE_OF_IF(rt, lg__m(), "lg_drive() or lg_update() from a goroutine");
    // acquire: pairs with the release in lg__host_leave(): what the host's last thread
    // did in its queue. seq_cst: from here on nobody calls on_wake
    uint32_t before =
        atomic_exchange_explicit(&rt->host.where, HOST_IN, memory_order_seq_cst);
    LG_MISUSE_OF_IF(rt, before != HOST_OUT && before != HOST_TOLD,
                    "lg_drive() or lg_update() while another thread drives");
}

bool lg__host_try_enter(struct lg_runtime *rt)
{
    uint32_t before = where(rt);
    // seq_cst: as in lg__host_enter()
    while ((before == HOST_OUT || before == HOST_TOLD) &&
           !atomic_compare_exchange_weak_explicit(&rt->host.where, &before, HOST_IN,
                                                  memory_order_seq_cst,
                                                  memory_order_seq_cst)) {
    }
    return before == HOST_OUT || before == HOST_TOLD;
}

void lg__host_leave(struct lg_runtime *rt)
{
    // seq_cst: see host.h
    atomic_store_explicit(&rt->host.where, HOST_OUT, memory_order_seq_cst);
}
