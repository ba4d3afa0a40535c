// SPDX-License-Identifier: MIT
#include "sched/block.h"

#include <errno.h>

#include "os/cpu.h"
#include "sched/handover.h"
#include "sched/host.h"
#include "sched/idle.h"
#include "sched/preempt.h"
#include "sched/sysmon.h"
#include "sched/tracepoint.h"
#include "sched/world.h"

static struct m *m_of(uintptr_t hold)
{
    return (struct m *)(hold & ~(uintptr_t)HOLD_STATE);
}

// Moves hold from one word to another. False: somebody was faster.
static bool move(struct p *p, uintptr_t from, uintptr_t to)
{
    // acquire, release: who takes the P sees what its last owner did, and the M what was
    // done to its P; each arrow pairs with the one before
    return atomic_compare_exchange_strong_explicit(
        &p->hold, &from, to, memory_order_acq_rel, memory_order_relaxed);
}

// ---------------------------------------------------------------------------
// By others
// ---------------------------------------------------------------------------

bool lg__block_retake(struct lg_runtime *rt, struct p *p)
{
    // relaxed: the CAS tells
    uintptr_t hold = atomic_load_explicit(&p->hold, memory_order_relaxed);
    if (hold == 0 || !move(p, hold, 0)) {
        return false;
    }
    struct m *m = m_of(hold);
    lg__trace_beside(rt, TIMELINE_LOST, m->g, p->number, 0);
    if ((hold & HOLD_STATE) == HOLD_BLOCKED) {
        lg__world_leave_blocked(rt, m);
    }
    // relaxed: a guess for sysmon
    atomic_store_explicit(&p->m, NULL, memory_order_relaxed);
    // seq_cst: before the P is idle; see idle.c:is_dead_locked()
    atomic_fetch_add_explicit(&rt->nblocked, 1, memory_order_seq_cst);
    // release: pairs with the acquire in await_taken()
    atomic_store_explicit(&m->is_taken, true, memory_order_release);
    lg__p_show_runnext(p);
    lg__put_idle_p(rt, p);
    lg__wake_for_rest(rt);
    return true;
}

void lg__block_stop_all_locked(struct lg_runtime *rt)
{
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct p *p = lg__p_at(rt, i);
        // relaxed: the CAS tells
        uintptr_t hold = atomic_load_explicit(&p->hold, memory_order_relaxed);
        if ((hold & HOLD_STATE) == HOLD_BLOCKED &&
            move(p, hold, (uintptr_t)m_of(hold) | HOLD_STOPPED)) {
            lg__world_leave_blocked_locked(rt, m_of(hold));
        }
    }
}

// ---------------------------------------------------------------------------
// By the M
// ---------------------------------------------------------------------------

// Whether somebody needs the P at once. What comes later, or at this very moment, sysmon
// finds, and who stops the world. A host without sysmon has its one P run by one thread
// only.
static bool is_wanted(struct lg_runtime *rt, struct p *p)
{
    bool has_own = lg__runq_len(&p->runq) > 0 ||
                   // relaxed: our own, or a thief has it
                   atomic_load_explicit(&p->runnext, memory_order_relaxed) != NULL;
    // relaxed: a guess, as all of this
    bool has_global = atomic_load_explicit(&rt->nglobal, memory_order_relaxed) > 0 &&
                      atomic_load_explicit(&rt->nidle, memory_order_relaxed) == 0;
    return (has_own || has_global || lg__p_asks(p) ||
            (lg__interrupts(rt) & INTERRUPTS_TO_HEED)) &&
           lg__may_hand_over(rt);
}

// lg_block_enter(), from os/registers_*.S. The caller's registers and its stack, from sp
// up, are what the collector visits meanwhile.
void lg__block_enter(const struct registers *registers, const void *sp)
{
    struct m *m = lg__m();
    if (!m || !m->g || m->nblocks++ > 0) {
        return;
    }
    atomic_signal_fence(memory_order_seq_cst); // a signal's handler sees nblocks first
    struct p *p = m->p;
    m->blocked_registers = *registers;
    m->stopped_sp = sp;
    m->interruption = NULL;
    m->blocked_p = p;
    m->p = NULL;
    m->mcache = NULL;
    // release: pairs with the acquire of who takes it
    atomic_store_explicit(&p->hold, (uintptr_t)m | HOLD_BLOCKED, memory_order_release);
    if (LG_UNLIKELY(is_wanted(m->rt, p))) {
        int saved_errno = errno;
        lg__block_retake(m->rt, p);
        errno = saved_errno;
    }
}

static void await_taken(struct m *m)
{
    // acquire: pairs with the release in lg__block_retake()
    while (!atomic_load_explicit(&m->is_taken, memory_order_acquire)) {
        lg__cpu_pause();
    }
    // relaxed: nobody else looks until the next call
    atomic_store_explicit(&m->is_taken, false, memory_order_relaxed);
}

struct p *lg__block_await_p(struct lg_runtime *rt, struct m *m)
{
    lg__lock(&rt->lock, RANK_SCHED);
    bool is_hosts = m->is_driver && lg__host_is_on(rt); // which waits for none
    m->given_p = is_hosts ? lg__host_take_p_locked(rt) : lg__take_idle_p_locked(rt);
    if (!m->given_p) {
        lg__list_push_back(&rt->p_waiters, &m->node);
        // release: pairs with the acquire in lg__interrupts()
        atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_P_WANTED,
                                 memory_order_release);
    }
    while (!m->given_p) {
        lg__unlock(&rt->lock, RANK_SCHED);
        lg__note_sleep(&m->note, -1);
        lg__lock(&rt->lock, RANK_SCHED);
    }
    struct p *p = m->given_p;
    m->given_p = NULL;
    lg__unlock(&rt->lock, RANK_SCHED);
    return p;
}

// Its P has been taken, or the world stopped.
static LG_NOINLINE void come_back(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    struct p *p = m->blocked_p;
    int saved_errno = errno;
    if (!move(p, (uintptr_t)m | HOLD_STOPPED, 0)) {
        await_taken(m);
        p = lg__block_await_p(rt, m);
        // seq_cst: the P is not idle any more; see idle.c:is_dead_locked()
        atomic_fetch_sub_explicit(&rt->nblocked, 1, memory_order_seq_cst);
    }
    lg__world_enter(rt, m);
    lg__m_set_p(m, p);
    p->tick++;
    // relaxed: for sysmon: a slice begins
    atomic_store_explicit(&p->shown_tick, p->tick, memory_order_relaxed);
    lg__preempt_begin_slice(p);
    lg__sysmon_rouse(rt);
    lg__trace_beside(rt, TIMELINE_REGAINED, m->g, 0, 0);
    errno = saved_errno;
}

void lg_block_leave(void)
{
    struct m *m = lg__m();
    if (!m || !m->g) {
        return;
    }
    LG_MISUSE_IF(m->nblocks == 0, "lg_block_leave() without lg_block_enter()");
    if (m->nblocks > 1) {
        m->nblocks--;
        return;
    }
    struct p *p = m->blocked_p;
    if (LG_LIKELY(move(p, (uintptr_t)m | HOLD_BLOCKED, 0))) {
        m->p = p;
        m->mcache = &p->mcache;
    } else {
        come_back(m);
    }
    atomic_signal_fence(memory_order_seq_cst); // a signal's handler sees the P first
    m->nblocks = 0;
}

void lg_stand_aside(void)
{
    struct m *m = lg__m();
    if (!m || !m->g || !m->p || !lg__p_is_active(m->p) || !lg__may_hand_over(m->rt)) {
        return;
    }
    lg__p_give_queue(m->rt, m->p);
    if (lg__hand_over(m->rt, m->p)) {
        // relaxed: for the watchdog
        atomic_store_explicit(&m->p->is_aside, true, memory_order_relaxed);
    }
}
