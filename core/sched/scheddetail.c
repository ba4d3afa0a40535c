// SPDX-License-Identifier: MIT
//
// Of Ms some lines at a time are made under the scheduler's lock, which keeps their records
// there, and told without it: on_log may take long. What their own threads write without an
// order is not looked at.
#include "sched/scheddetail.h"

#include <inttypes.h>
#include <stdio.h>

#include "sched/block.h"
#include "sched/strand.h"

enum {
    LINE_BYTES = 256,
    MS_AT_ONCE = 16,
    GS_MAX = 1000, // shown
    ID_BYTES = 24,
};

static const uint32_t NO_M = UINT32_MAX;

static void say(struct lg_runtime *rt, const char *line)
{
    rt->options.on_log(rt->options.ud, line);
}

// A number as Go writes those that may be missing.
static const char *or_nil(bool is_there, uint64_t number, char out[ID_BYTES])
{
    snprintf(out, ID_BYTES, is_there ? "%" PRIu64 : "nil", number);
    return out;
}

static const char *yes(bool is)
{
    return is ? "true" : "false";
}

// ---------------------------------------------------------------------------
// Who has whom
// ---------------------------------------------------------------------------

// Calls fn with each M, until that returns true: that one; or NULL.
static struct m *find_m_locked(struct lg_runtime *rt,
                               bool (*fn)(struct m *m, const void *what),
                               const void *what) LG_REQUIRES(rt->lock)
{
    if (rt->driver && fn(rt->driver, what)) {
        return rt->driver;
    }
    for (struct m *m = rt->made; m; m = m->next_made) {
        if (fn(m, what)) {
            return m;
        }
    }
    return NULL;
}

static bool is_it(struct m *m, const void *what)
{
    return m == what;
}

static bool runs(struct m *m, const void *what)
{
    // relaxed: a guess; as in lg__m_set_g()
    return __atomic_load_n(&m->g, __ATOMIC_RELAXED) == what;
}

// Whether the M is wired to a goroutine, or to the strand that it belongs to.
static bool is_wired_to(struct m *m, const void *what)
{
    const struct lg_g *g = what;
    struct runnable *wired = lg__m_wired(m);
    // relaxed: for dumps. Only the address counts: the strand may be gone
    struct lg_strand *strand = __atomic_load_n(&g->strand, __ATOMIC_RELAXED);
    return wired && (wired == &g->run || (strand && wired == &strand->run));
}

// The number of the M for which fn is true of what; NO_M.
static uint32_t m_number(struct lg_runtime *rt, bool (*fn)(struct m *m, const void *what),
                         const void *what)
{
    lg__lock(&rt->lock, RANK_SCHED);
    struct m *m = find_m_locked(rt, fn, what);
    uint32_t number = m ? m->number : NO_M;
    lg__unlock(&rt->lock, RANK_SCHED);
    return number;
}

// ---------------------------------------------------------------------------
// Ps
// ---------------------------------------------------------------------------

static const char *state_of(struct p *p)
{
    // relaxed: guesses
    return lg__block_has(p)                                     ? "blocked"
           : !atomic_load_explicit(&p->m, memory_order_relaxed) ? "idle"
           : !lg__p_is_active(p)                                ? "aside"
                                                                : "running";
}

static void say_p(struct lg_runtime *rt, struct p *p)
{
    char line[LINE_BYTES];
    char m_text[ID_BYTES];
    // relaxed: figures
    struct m *owner = atomic_load_explicit(&p->m, memory_order_relaxed);
    uint32_t m = owner ? m_number(rt, is_it, owner) : NO_M;
    snprintf(
        line, sizeof line,
        "  P%u: status=%s schedtick=%u m=%s runqsize=%u runnext=%d timerslen=%u asks=%u "
        "steals=%" PRIu64,
        p->number, state_of(p),
        atomic_load_explicit(&p->shown_tick, memory_order_relaxed),
        or_nil(m != NO_M, m, m_text), lg__runq_len(&p->runq),
        atomic_load_explicit(&p->runnext, memory_order_relaxed) != NULL,
        atomic_load_explicit(&p->timers.ncount, memory_order_relaxed), lg__p_asks(p),
        atomic_load_explicit(&p->nsteals, memory_order_relaxed));
    say(rt, line);
}

// ---------------------------------------------------------------------------
// Ms
// ---------------------------------------------------------------------------

// The P that the M has, also in a blocking call; NULL.
static struct p *p_of(struct lg_runtime *rt, struct m *m, bool *out_is_blocked)
{
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct p *p = lg__p_at(rt, i);
        // relaxed: guesses
        uintptr_t hold = atomic_load_explicit(&p->hold, memory_order_relaxed);
        *out_is_blocked = (hold & ~(uintptr_t)HOLD_STATE) == (uintptr_t)m && hold != 0;
        if (*out_is_blocked || atomic_load_explicit(&p->m, memory_order_relaxed) == m) {
            return p;
        }
    }
    return NULL;
}

// "nil", the number of a goroutine, or that it is a strand's.
static const char *wired_of(struct m *m, char out[ID_BYTES])
{
    struct runnable *wired = lg__m_wired(m);
    if (wired && wired->kind == RUNNABLE_STRAND) {
        return "strand";
    }
    bool is_g = wired && wired->kind == RUNNABLE_G;
    return or_nil(is_g, is_g ? lg__g_id(LG_CONTAINER_OF(wired, struct lg_g, run)) : 0,
                  out);
}

static void write_m_locked(struct lg_runtime *rt, struct m *m, char line[LINE_BYTES])
    LG_REQUIRES(rt->lock)
{
    bool is_blocked = false;
    struct p *p = p_of(rt, m, &is_blocked);
    // relaxed: a guess; records of goroutines stay
    struct lg_g *g = __atomic_load_n(&m->g, __ATOMIC_RELAXED);
    char p_text[ID_BYTES];
    char g_text[ID_BYTES];
    char wired_text[ID_BYTES];
    snprintf(line, LINE_BYTES, "  M%u: p=%s curg=%s idle=%s blocked=%s lockedg=%s",
             m->number, or_nil(p != NULL, p ? p->number : 0, p_text),
             or_nil(g != NULL, g ? lg__g_id(g) : 0, g_text),
             yes(m->is_idle || m->is_wired_asleep), yes(is_blocked),
             wired_of(m, wired_text));
}

// Those below a number, the youngest first, as the list has them; the host's is M0. Returns
// the number of the last, 0 if there is no more.
static uint32_t say_some_ms(struct lg_runtime *rt, uint32_t below)
{
    char lines[MS_AT_ONCE][LINE_BYTES];
    int n = 0;
    uint32_t last = 0;
    lg__lock(&rt->lock, RANK_SCHED);
    struct m *m = rt->made;
    for (; m && n < MS_AT_ONCE; m = m->next_made) {
        if (m->number < below) {
            write_m_locked(rt, m, lines[n++]);
            last = m->number;
        }
    }
    if (!m) {
        last = 0;
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    for (int i = 0; i < n; i++) {
        say(rt, lines[i]);
    }
    return last;
}

static void say_ms(struct lg_runtime *rt)
{
    uint32_t below = NO_M;
    do {
        below = say_some_ms(rt, below);
    } while (below > 0);
    char line[LINE_BYTES];
    lg__lock(&rt->lock, RANK_SCHED);
    bool has_driver = rt->driver != NULL;
    if (has_driver) {
        write_m_locked(rt, rt->driver, line);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    if (has_driver) {
        say(rt, line);
    }
}

// ---------------------------------------------------------------------------
// Goroutines
// ---------------------------------------------------------------------------

struct gs {
    struct lg_runtime *rt;
    uint32_t nshown;
    uint32_t nmore;
};

// Go's number for it.
static int status_number(enum lg_status status)
{
    static const int numbers[] = {
        [LG_RUNNABLE] = 1, [LG_RUNNING] = 2, [LG_WAITING] = 4, [LG_DEAD] = 6};
    return numbers[status];
}

static bool say_g(void *ud, const lg_g_info *info)
{
    struct gs *gs = ud;
    if (gs->nshown == GS_MAX) {
        gs->nmore++;
        return true;
    }
    gs->nshown++;
    char line[LINE_BYTES];
    char m_text[ID_BYTES];
    char locked_text[ID_BYTES];
    struct lg_g *g = info->ref.g;
    uint32_t m = info->status == LG_RUNNING ? m_number(gs->rt, runs, g) : NO_M;
    uint32_t locked = lg__interrupts(gs->rt) & INTERRUPT_WIRED
                          ? m_number(gs->rt, is_wired_to, g)
                          : NO_M;
    snprintf(line, sizeof line, "  G%" PRIu64 ": status=%d(%s) m=%s lockedm=%s",
             info->ref.id, status_number(info->status),
             info->wait_reason ? info->wait_reason : "", or_nil(m != NO_M, m, m_text),
             or_nil(locked != NO_M, locked, locked_text));
    say(gs->rt, line);
    return true;
}

static void say_gs(struct lg_runtime *rt)
{
    struct gs gs = {.rt = rt};
    lg_system_goroutines(rt, say_g, &gs);
    lg_goroutines(rt, say_g, &gs);
    if (gs.nmore > 0) {
        char line[LINE_BYTES];
        snprintf(line, sizeof line, "  ... and %u more goroutines", gs.nmore);
        say(rt, line);
    }
}

void lg__scheddetail(struct lg_runtime *rt)
{
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        say_p(rt, lg__p_at(rt, i));
    }
    say_ms(rt);
    say_gs(rt);
}
