// SPDX-License-Identifier: MIT
#include "sched/sysmon.h"

#include "os/clock.h"
#include "sched/block.h"
#include "sched/handover.h"
#include "sched/idle.h"
#include "sched/preempt.h"
#include "sched/schedtrace.h"
#include "sched/steal.h"
#include "sched/tidy.h"
#include "sched/wake.h"
#include "sched/watchdog.h"

enum {
    PERIOD_MIN_NS = 20 * 1000,
    // While some P is idle, or blocked, work must not wait longer than this for it.
    PERIOD_MAX_IDLE_NS = 1000 * 1000,
    PERIOD_MAX_BUSY_NS = 5 * 1000 * 1000,
    // How often a goroutine is interrupted that is to make room. Where it is mostly in
    // short C functions, 19 of 20 times it cannot be.
    PERIOD_ASK_NS = 100 * 1000,
    // How long that is tried so often.
    ASK_FOR_NS = 50 * 1000 * 1000,
    // When it loses its place instead: it may be in C for long.
    HAND_OVER_AFTER_NS = 5 * 1000 * 1000,
    // A P whose M is in a blocking call for so long is taken although nobody needs it yet:
    // then all may be idle, and we sleep. As in Go.
    BLOCKED_FOR_NS = 10 * 1000 * 1000,
    // Periods without a finding before they grow, and how many of them after all were idle.
    PATIENCE = 50,
    PATIENCE_ROUSED = 4,
    // Looks in a row at which all were idle before we sleep until they are not: a server is
    // idle between two packets, and would have to wake us a thousand times a second.
    IDLE_LOOKS = 8,
};

// What was seen of a P.
struct watch {
    uint32_t tick;
    bool is_stuck;       // the tick was the same a period ago
    int64_t looked_ns;   // the last look at it
    int64_t since_ns;    // since when its slice may have gone on
    int64_t asked_ns;    // since when its goroutine has been asked and has not heard
    int64_t cpu_ns;      // of its M, when that was last to be interrupted in this slice
    int64_t reported_ns; // since_ns, when that was reported
    int64_t blocked_ns;  // since when its M has been in a blocking call; 0: it is not
};

// What a look found, of all Ps.
struct finding {
    bool has_work;       // that no P comes to
    bool has_blocked;    // a P whose M is in a blocking call
    bool must_ask;       // somebody is to make room and has not heard yet
    int64_t at_ns;       // when it is worth looking again; LG_NEVER
    struct p *blocked;   // can be taken
    struct p *stale;     // the same, and has been for long
    struct p *unheeding; // its goroutine does not leave
};

// Whether a P has work that it does not come to. Marks it for thieves.
static bool is_behind(struct p *p, const struct watch *w, int64_t now_ns)
{
    // relaxed: a guess
    if (w->is_stuck && atomic_load_explicit(&p->runnext, memory_order_relaxed)) {
        atomic_store_explicit(&p->is_starving, true, memory_order_relaxed);
        return true;
    }
    return lg__runq_len(&p->runq) > 0 || lg__timers_next(&p->timers) <= now_ns;
}

// When the slice began that this look has found: after the look before. That is at most
// half a slice too early; this look's time would make all slices that much longer. If
// it was long ago nobody knows.
static int64_t begun_ns(const struct watch *w, int64_t real_ns)
{
    bool is_recent = real_ns - w->looked_ns <= PERIOD_MAX_BUSY_NS * 2;
    return is_recent ? w->looked_ns : real_ns;
}

static void watch_tick(struct p *p, struct watch *w, int64_t real_ns)
{
    // relaxed: figures that are some moments old do as well
    uint32_t tick = atomic_load_explicit(&p->shown_tick, memory_order_relaxed);
    bool is_owned = atomic_load_explicit(&p->m, memory_order_relaxed) != NULL;
    w->is_stuck = tick == w->tick;
    if (!w->is_stuck || !is_owned || lg__block_has(p)) {
        w->tick = tick;
        w->since_ns = w->asked_ns = is_owned ? begun_ns(w, real_ns) : real_ns;
        w->cpu_ns = CPU_UNKNOWN;
    }
    w->looked_ns = real_ns;
}

// Has a P's goroutine interrupted until it hears. One that has heard and is still there
// a slice later had to be where it cannot leave: it is asked again.
static bool must_ask(struct lg_runtime *rt, struct p *p, struct watch *w, int64_t real_ns)
{
    int64_t over_ns = w->asked_ns + rt->options.slice_ns;
    // relaxed: for the next look
    if (atomic_load_explicit(&p->is_heard, memory_order_relaxed)) {
        if (real_ns < over_ns + rt->options.slice_ns) {
            return false;
        }
        w->asked_ns += rt->options.slice_ns;
        over_ns += rt->options.slice_ns;
        atomic_store_explicit(&p->is_heard, false, memory_order_relaxed);
    }
    lg__preempt_signal(rt, p, &w->cpu_ns);
    return real_ns - over_ns < ASK_FOR_NS;
}

// Asks who has had its slice to make room, and notes who does not.
static void watch_slice(struct lg_runtime *rt, struct p *p, struct watch *w,
                        int64_t real_ns, struct finding *found)
{
    int64_t over_ns = w->since_ns + rt->options.slice_ns;
    if (rt->options.slice_ns < 0) {
        return;
    }
    if (real_ns < over_ns) {
        found->at_ns = over_ns < found->at_ns ? over_ns : found->at_ns;
        return;
    }
    // relaxed: heard at its next round, or by the handler
    atomic_fetch_or_explicit(&p->asks, ASK_PREEMPT, memory_order_relaxed);
    found->must_ask |= must_ask(rt, p, w, real_ns);
    if (real_ns - over_ns >= HAND_OVER_AFTER_NS && lg__p_is_active(p)) {
        found->unheeding = p;
    }
}

// Once for each time that a P is held.
static void watch_long(struct lg_runtime *rt, struct p *p, struct watch *w,
                       int64_t real_ns, struct finding *found)
{
    int64_t after_ns = lg__watchdog_ns(rt);
    int64_t due_ns = w->since_ns + after_ns;
    // relaxed: set before what takes long began
    bool is_aside = atomic_load_explicit(&p->is_aside, memory_order_relaxed);
    if (after_ns == 0 || is_aside || w->reported_ns == w->since_ns) {
        return;
    }
    if (real_ns < due_ns) {
        found->at_ns = due_ns < found->at_ns ? due_ns : found->at_ns;
        return;
    }
    w->reported_ns = w->since_ns;
    lg__watchdog_report(rt, p, real_ns - w->since_ns);
}

static void watch_blocked(struct p *p, struct watch *w, int64_t real_ns,
                          struct finding *found)
{
    found->has_blocked = true;
    found->blocked = p;
    w->blocked_ns = w->blocked_ns ? w->blocked_ns : real_ns;
    if (real_ns - w->blocked_ns >= BLOCKED_FOR_NS) {
        found->stale = p;
    }
}

static void look_at(struct lg_runtime *rt, struct p *p, struct watch *w, int64_t now_ns,
                    int64_t real_ns, struct finding *found)
{
    watch_tick(p, w, real_ns);
    found->has_work |= is_behind(p, w, now_ns);
    // relaxed: a guess
    if (lg__block_has(p)) {
        watch_blocked(p, w, real_ns, found);
        return;
    }
    w->blocked_ns = 0;
    // relaxed: a guess
    if (atomic_load_explicit(&p->m, memory_order_relaxed)) {
        watch_slice(rt, p, w, real_ns, found);
        watch_long(rt, p, w, real_ns, found);
    }
}

static void look_at_all(struct lg_runtime *rt, struct watch *watches,
                        struct finding *found)
{
    int64_t now_ns = lg__now(rt);
    int64_t real_ns = lg__clock_now();
    *found = (struct finding){.at_ns = LG_NEVER};
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        look_at(rt, lg__p_at(rt, i), &watches[i], now_ns, real_ns, found);
    }
    // seq_cst: as everywhere (idle.h)
    found->has_work |= atomic_load_explicit(&rt->nglobal, memory_order_seq_cst) > 0 ||
                       (lg__interrupts(rt) & INTERRUPT_P_WANTED);
}

// Sees to it that work is done. False: there is none that waits, or nobody for it.
static bool act(struct lg_runtime *rt, const struct finding *found)
{
    if (!found->has_work) {
        return found->stale && lg__may_hand_over(rt) &&
               lg__block_retake(rt, found->stale);
    }
    // seq_cst: as everywhere (idle.h)
    if (atomic_load_explicit(&rt->nidle, memory_order_seq_cst) > 0) {
        lg__wake_if_idle(rt);
        return true;
    }
    if (!lg__may_hand_over(rt)) {
        return false;
    }
    return (found->blocked && lg__block_retake(rt, found->blocked)) ||
           (found->unheeding && lg__hand_over(rt, found->unheeding));
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
    is_idle = is_idle && atomic_load_explicit(&rt->nexcess, memory_order_seq_cst) == 0;
    if (is_idle && !(interrupts & INTERRUPT_STOP)) {
        int64_t left_ns = lg__schedtrace_left(rt);
        left_ns = lg__tidy(rt) && left_ns > TIDY_PERIOD_NS ? TIDY_PERIOD_NS : left_ns;
        lg__note_sleep(&s->note, left_ns == LG_NEVER ? -1 : left_ns);
    }
    atomic_store_explicit(&s->is_asleep, false, memory_order_seq_cst);
    return is_idle;
}

// How long to sleep after a look.
struct rhythm {
    int64_t period_ns;
    int idle_periods; // without a finding
    int idle_looks;   // in a row, that have found all idle
};

static void slow_down(struct lg_runtime *rt, struct rhythm *r, bool has_blocked)
{
    // seq_cst: as everywhere (idle.h)
    uint32_t nidle = atomic_load_explicit(&rt->nidle, memory_order_seq_cst);
    bool must_be_quick = nidle > 0 || has_blocked;
    int64_t max_ns = must_be_quick ? PERIOD_MAX_IDLE_NS : PERIOD_MAX_BUSY_NS;
    r->period_ns = r->period_ns * 2 < max_ns ? r->period_ns * 2 : max_ns;
    r->idle_looks = nidle >= lg__nprocs(rt) ? r->idle_looks + 1 : 0;
    if (r->idle_looks > IDLE_LOOKS && sleep_while_idle(rt)) {
        *r = (struct rhythm){.period_ns = PERIOD_MIN_NS,
                             .idle_periods = PATIENCE - PATIENCE_ROUSED};
    }
}

// Until the next look: shorter, if somebody is to be asked meanwhile.
static int64_t next_sleep(const struct rhythm *r, const struct finding *found)
{
    int64_t sleep_ns = r->period_ns;
    if (found->must_ask && sleep_ns > PERIOD_ASK_NS) {
        sleep_ns = PERIOD_ASK_NS;
    }
    if (found->at_ns != LG_NEVER) {
        int64_t left_ns = found->at_ns - lg__clock_now();
        left_ns = left_ns > PERIOD_MIN_NS ? left_ns : PERIOD_MIN_NS;
        sleep_ns = left_ns < sleep_ns ? left_ns : sleep_ns;
    }
    return sleep_ns;
}

static void sysmon_main(void *arg)
{
    struct lg_runtime *rt = arg;
    struct watch watches[PS_MAX] = {0};
    struct rhythm rhythm = {.period_ns = PERIOD_MIN_NS};
    struct finding found = {.at_ns = LG_NEVER};
    rt->sysmon.open_ns = rt->sysmon.traced_ns = lg__clock_now();
    while (!(lg__interrupts(rt) & INTERRUPT_STOP)) {
        lg__note_sleep(&rt->sysmon.note, next_sleep(&rhythm, &found));
        lg__tidy(rt);
        lg__netpoll_look_after(rt);
        look_at_all(rt, watches, &found);
        if (act(rt, &found)) {
            rhythm = (struct rhythm){.period_ns = PERIOD_MIN_NS};
        } else if (++rhythm.idle_periods > PATIENCE) {
            slow_down(rt, &rhythm, found.has_blocked);
        }
        lg__schedtrace(rt);
        if (rt->gc_door.look) {
            rt->gc_door.look(rt);
        }
    }
}

int lg__sysmon_start(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    bool must_start = !rt->sysmon.is_started && lg__sysmon_is_wanted(rt);
    rt->sysmon.is_started |= must_start;
    lg__unlock(&rt->lock, RANK_SCHED);
    if (!must_start) {
        return LG_OK;
    }
    int err =
        lg__thread_start(sysmon_main, rt, "lagoon-sysmon", NULL, &rt->sysmon.handle);
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
