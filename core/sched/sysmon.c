// SPDX-License-Identifier: MIT
#include "sched/sysmon.h"

#include "sched/idle.h"
#include "sched/steal.h"
#include "sched/tidy.h"
#include "sched/wake.h"

enum {
    PERIOD_MIN_NS = 20 * 1000,
    // While some P is idle, work must not wait longer than this for it; when
    // all are busy only the clock is refreshed.
    PERIOD_MAX_IDLE_NS = 1000 * 1000,
    PERIOD_MAX_BUSY_NS = 10 * 1000 * 1000,
    // Periods without a finding before they grow.
    PATIENCE = 50,
};

// What was seen of each P a period ago.
struct seen {
    uint32_t tick[LG_PROCS_MAX];
};

// Whether a P has work that it does not come to. Marks it for thieves.
static bool is_behind(struct p *p, uint32_t *seen_tick, int64_t now_ns)
{
    // relaxed: figures that are some moments old do as well
    uint32_t tick = atomic_load_explicit(&p->shown_tick, memory_order_relaxed);
    bool is_stuck = tick == *seen_tick;
    *seen_tick = tick;
    if (is_stuck && atomic_load_explicit(&p->runnext, memory_order_relaxed)) {
        atomic_store_explicit(&p->is_starving, true, memory_order_relaxed);
        return true;
    }
    return lg__runq_len(&p->runq) > 0 || lg__timers_next(&p->timers) <= now_ns;
}

static bool look(struct lg_runtime *rt, struct seen *seen)
{
    int64_t now_ns = lg__now(rt);
    bool has_finding = false;
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        has_finding |= is_behind(lg__p_at(rt, i), &seen->tick[i], now_ns);
    }
    // seq_cst: as everywhere (idle.h)
    has_finding |= atomic_load_explicit(&rt->nglobal, memory_order_seq_cst) > 0;
    if (has_finding && atomic_load_explicit(&rt->nidle, memory_order_seq_cst) > 0) {
        lg__wake_if_idle(rt);
        return true;
    }
    return false;
}

// Sleeps until some P is busy; false at once if one is. With something left to
// tidy up, not for long.
static bool sleep_while_idle(struct lg_runtime *rt)
{
    struct sysmon *s = &rt->sysmon;
    // seq_cst: either we see a busy P here, or who made it busy sees us asleep
    atomic_store_explicit(&s->is_asleep, true, memory_order_seq_cst);
    bool is_idle =
        atomic_load_explicit(&rt->nidle, memory_order_seq_cst) >= lg__nprocs(rt);
    // seq_cst: as above. A P in excess is not among those that nidle counts
    uint32_t interrupts = atomic_load_explicit(&rt->interrupts, memory_order_seq_cst);
    is_idle = is_idle && !(interrupts & INTERRUPT_RETIRE);
    if (is_idle && !(interrupts & INTERRUPT_STOP)) {
        lg__note_sleep(&s->note, lg__tidy(rt) ? TIDY_PERIOD_NS : -1);
    }
    atomic_store_explicit(&s->is_asleep, false, memory_order_seq_cst);
    return is_idle;
}

static void sysmon_main(void *arg)
{
    struct lg_runtime *rt = arg;
    struct seen seen = {0};
    int64_t period_ns = PERIOD_MIN_NS;
    int idle_periods = 0;
    while (!(lg__interrupts(rt) & INTERRUPT_STOP)) {
        lg__note_sleep(&rt->sysmon.note, period_ns);
        lg__tidy(rt);
        if (look(rt, &seen)) {
            period_ns = PERIOD_MIN_NS;
            idle_periods = 0;
        } else if (++idle_periods > PATIENCE) {
            uint32_t nidle = atomic_load_explicit(&rt->nidle, memory_order_seq_cst);
            int64_t max_ns = nidle > 0 ? PERIOD_MAX_IDLE_NS : PERIOD_MAX_BUSY_NS;
            period_ns = period_ns * 2 < max_ns ? period_ns * 2 : max_ns;
            if (nidle >= lg__nprocs(rt) && sleep_while_idle(rt)) {
                period_ns = PERIOD_MIN_NS;
                idle_periods = 0;
            }
        }
    }
}

int lg__sysmon_start(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    bool must_start = !rt->sysmon.is_started && lg__nprocs(rt) > 1;
    rt->sysmon.is_started |= must_start;
    lg__unlock(&rt->lock, RANK_SCHED);
    if (!must_start) {
        return LG_OK;
    }
    int err =
        lg__thread_start(sysmon_main, rt, "lagoon-sysmon", false, &rt->sysmon.handle);
    if (err) {
        lg__lock(&rt->lock, RANK_SCHED);
        rt->sysmon.is_started = false;
        lg__unlock(&rt->lock, RANK_SCHED);
    }
    return err;
}

void lg__sysmon_stop(struct lg_runtime *rt)
{
    if (rt->sysmon.is_started) {
        lg__note_wake(&rt->sysmon.note);
        lg__thread_join(rt->sysmon.handle);
        rt->sysmon.is_started = false;
    }
}

void lg__sysmon_rouse(struct lg_runtime *rt)
{
    // seq_cst: pairs with sleep_while_idle()
    if (LG_UNLIKELY(atomic_load_explicit(&rt->sysmon.is_asleep, memory_order_seq_cst))) {
        lg__note_wake(&rt->sysmon.note);
    }
}
