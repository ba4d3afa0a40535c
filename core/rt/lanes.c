// SPDX-License-Identifier: MIT
#include "rt/lanes.h"

#include <string.h>

#include "rt/lanechans.h"
#include "rt/lanegs.h"
#include "rt/laneshow.h"

enum { RUNNABLE_SHOWN_NS = 1000 * 1000 }; // how often at most

static const struct lane_arg no_arg;

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

// ---------------------------------------------------------------------------
// Goroutines
// ---------------------------------------------------------------------------

void lg__lanes_meet(struct lanes *l, const lg_g_info *info)
{
    bool has_forgotten = false;
    struct lane_g *g = lg__lane_meet(l, info->ref.id, &has_forgotten);
    if (g) {
        // relaxed: its record stays, and may be another's by now: then it matches nothing
        uint64_t word =
            atomic_load_explicit(&info->ref.g->wait.word, memory_order_relaxed);
        lg__lane_set(l, g, LANE_WAITING, l->zero);
        g->wait = lg__wait_number_of(word) & UINT32_MAX;
        g->why = info->wait_reason;
        lg__json_escape(info->name, strlen(info->name), g->name, sizeof g->name);
        lg__show_lane(l, g);
    }
}

// The state that it was in is over.
static uint64_t end_state(struct lanes *l, struct lane_g *g, uint64_t when)
{
    when = later(when, g->since);
    lg__show_state(l, g, g->gap ? g->gap : when);
    return when;
}

// ---------------------------------------------------------------------------
// Ps
// ---------------------------------------------------------------------------

static struct lane_p *track_of(struct lanes *l, int p)
{
    struct lane_p *track = p < 0 ? &l->no_p : &l->ps[p];
    if (!track->is_named) {
        track->is_named = true;
        lg__show_p(l, p);
    }
    return track;
}

static void end_run(struct lanes *l, int p, uint64_t when)
{
    struct lane_p *track = track_of(l, p);
    if (track->g != 0 && p >= 0) {
        when = later(when, track->since);
        lg__show_run(l, p, track->g, lg__lane_find(l, track->g), track->since, when);
        track->since = when;
    }
    track->g = 0;
}

// Without the P a goroutine ran on it, as far as we know.
static void leave_p(struct lanes *l, uint64_t id, const struct lane_g *g, int p,
                    uint64_t when)
{
    int on = g && g->state == LANE_RUNNING && g->p >= 0 ? g->p : p;
    if (on >= 0 && l->ps[on].g == id) {
        end_run(l, on, when);
    }
}

static void run(struct lanes *l, int p, uint64_t id, struct lane_g *g, uint64_t when)
{
    struct lane_p *track = track_of(l, p);
    if (track->g != 0) {
        struct lane_g *old = lg__lane_find(l, track->g);
        end_run(l, p, when);
        if (old && old != g && old->state == LANE_RUNNING) {
            end_state(l, old, when);
            lg__lane_set(l, old, LANE_UNKNOWN, when);
        }
    }
    track->g = id;
    track->since = later(when, track->since);
    if (g) {
        when = end_state(l, g, when);
        lg__lane_set(l, g, LANE_RUNNING, when);
        g->p = p;
        lg__show_flow(l, &g->flow, g->lane, when);
        g->flow.lane = 0;
    }
}

// ---------------------------------------------------------------------------
// The collector
// ---------------------------------------------------------------------------

static void end_phase(struct lanes *l, uint64_t cycle, uint64_t when)
{
    if (l->gc.phase) {
        lg__show_stretch(l, l->gc.phase, "gc", PID_COLLECTOR, TID_PHASES, l->gc.since,
                         later(when, l->gc.since), (struct lane_arg){"cycle", cycle});
        l->gc.phase = NULL;
    }
}

static void begin_phase(struct lanes *l, const char *phase, uint64_t cycle, uint64_t when)
{
    end_phase(l, cycle, when);
    l->gc = (struct lane_gc){.since = when, .phase = phase, .cycle = cycle};
}

static void stopped(struct lanes *l, const struct timeline_event *e, uint64_t when)
{
    double ticks = (double)e->arg / l->ns_per_tick;
    uint64_t since = when > (uint64_t)ticks ? when - (uint64_t)ticks : 0;
    lg__show_stretch(l, e->more == STOP_TO_BEGIN ? "begin" : "finish", "gc",
                     PID_COLLECTOR, TID_STOPPED, since, when, no_arg);
}

// ---------------------------------------------------------------------------
// Events
// ---------------------------------------------------------------------------

static void start(struct lanes *l, int p, const struct timeline_event *e,
                  struct lane_g *g, uint64_t when)
{
    struct lane_arg by = {e->arg ? "by" : NULL, e->arg};
    lg__show_instant(l, "start", "go", p, when, (struct lane_arg){"g", e->g}, by);
    if (g) {
        lg__lane_set(l, g, LANE_RUNNABLE, when);
        g->by = e->arg;
    }
}

static void ready(struct lanes *l, const struct timeline_event *e, struct lane_g *g,
                  uint64_t when)
{
    if (!g || g->state == LANE_RUNNABLE) {
        return;
    }
    bool has_waited_on = g->gap != 0 && g->state == LANE_WAITING && g->wait == e->more;
    g->gap = has_waited_on ? 0 : g->gap;
    when = end_state(l, g, when);
    lg__lane_set(l, g, LANE_RUNNABLE, when);
    g->by = e->arg;
}

static void park(struct lanes *l, int p, const struct timeline_event *e, struct lane_g *g,
                 const char *why, uint64_t when)
{
    leave_p(l, e->g, g, p, when);
    if (g && g->state != LANE_RUNNABLE) {
        when = end_state(l, g, when);
        lg__lane_set(l, g, LANE_WAITING, when);
        g->wait = e->arg;
        g->why = why ? why : "wait";
    }
}

static void yield(struct lanes *l, int p, const struct timeline_event *e,
                  struct lane_g *g, uint64_t when)
{
    leave_p(l, e->g, g, p, when);
    if (g) {
        when = end_state(l, g, when);
        lg__lane_set(l, g, LANE_RUNNABLE, when);
    }
}

static void end(struct lanes *l, int p, const struct timeline_event *e, struct lane_g *g,
                uint64_t when)
{
    leave_p(l, e->g, g, p, when);
    lg__show_instant(l, "end", "go", p, when, (struct lane_arg){"g", e->g}, no_arg);
    if (g) {
        end_state(l, g, when);
        lg__lane_forget(l, g);
    }
}

static void label(struct lanes *l, const struct timeline_event *e, struct lane_g *g,
                  const char *text)
{
    if (g) {
        size_t name_length = e->arg >> 32;
        lg__json_escape(text, name_length, g->name, sizeof g->name);
        lg__json_escape(text + name_length, e->arg & UINT32_MAX, g->place,
                        sizeof g->place);
        if (g->lane) {
            lg__show_lane(l, g);
        }
    }
}

static void show_runnable(struct lanes *l, uint64_t when)
{
    double passed_ns = (double)(when - l->shown_at) * l->ns_per_tick;
    if (l->nrunnable != l->shown_runnable && when > l->shown_at &&
        passed_ns > RUNNABLE_SHOWN_NS) {
        lg__show_figure(l, "runnable", "count", l->nrunnable, when);
        l->shown_runnable = l->nrunnable;
        l->shown_at = when;
    }
}

static void take_g(struct lanes *l, int p, unsigned kind, const struct timeline_event *e,
                   struct lane_g *g, uint64_t when, const char *text)
{
    const char *why = (const char *)(uintptr_t)e->more;
    switch (kind) {
    case LG_TRACE_START: start(l, p, e, g, when); break;
    case LG_TRACE_RUN:
    case TIMELINE_REGAINED: run(l, p, e->g, g, when); break;
    case LG_TRACE_PARK: park(l, p, e, g, why, when); break;
    case LG_TRACE_YIELD: yield(l, p, e, g, when); break;
    case LG_TRACE_READY: ready(l, e, g, when); break;
    case LG_TRACE_END: end(l, p, e, g, when); break;
    case TIMELINE_LABEL: label(l, e, g, text); break;
    case TIMELINE_LOST: park(l, (int)e->arg, e, g, "syscall", when); break;
    default: break;
    }
}

static bool is_of_g(unsigned kind)
{
    return kind <= LG_TRACE_END || kind == TIMELINE_LABEL || kind == TIMELINE_LOST ||
           kind == TIMELINE_REGAINED;
}

// Of these, too, the goroutine has a lane, though nothing else was heard of it: it has run since
// before the trace.
static bool is_of_chan(unsigned kind)
{
    return kind == LG_TRACE_SEND || kind == LG_TRACE_RECV || kind == LG_TRACE_CLOSE;
}

static void take_other(struct lanes *l, int p, unsigned kind,
                       const struct timeline_event *e, uint64_t when)
{
    struct lane_arg g = {e->g ? "g" : NULL, e->g};
    switch (kind) {
    case LG_TRACE_SELECT:
        lg__show_instant(l, "select", "chan", p, when, g,
                         (struct lane_arg){"case", e->arg});
        break;
    case LG_TRACE_TIMER: lg__show_instant(l, "timer", "timer", p, when, g, no_arg); break;
    case LG_TRACE_INPUT:
        lg__show_instant(l, "input", "input", p, when, (struct lane_arg){"input", e->arg},
                         no_arg);
        break;
    case LG_TRACE_POLL:
        lg__show_instant(l, "poll", "io", p, when, (struct lane_arg){"strands", e->arg},
                         no_arg);
        break;
    case LG_TRACE_STEAL:
        lg__show_instant(l, "steal", "sched", p, when, g,
                         (struct lane_arg){"from", e->arg});
        break;
    case TIMELINE_GC_PREPARE: begin_phase(l, "sweep rest", 0, when); break;
    case LG_TRACE_GC_BEGIN: begin_phase(l, "mark", e->arg, when); break;
    case LG_TRACE_GC_SWEEP: begin_phase(l, "sweep", e->arg, when); break;
    case LG_TRACE_GC_END: end_phase(l, e->arg, when); break;
    case TIMELINE_STOPPED: stopped(l, e, when); break;
    default: break;
    }
}

bool lg__lanes_take(struct lanes *l, int p, const struct timeline_event *event,
                    const char *text)
{
    bool has_forgotten = false;
    unsigned kind = event->when & ((1U << TIMELINE_KIND_BITS) - 1);
    uint64_t when = event->when >> TIMELINE_KIND_BITS;
    track_of(l, p);
    struct lane_g *g = NULL;
    if (is_of_g(kind) || is_of_chan(kind)) {
        g = lg__lane_meet(l, event->g, &has_forgotten);
    }
    if (is_of_g(kind)) {
        take_g(l, p, kind, event, g, when, text);
    } else if (is_of_chan(kind)) {
        lg__lane_operate(l, p, kind, event, when);
    } else {
        take_other(l, p, kind, event, when);
    }
    show_runnable(l, when);
    return has_forgotten;
}

// ---------------------------------------------------------------------------
// Gaps, and the end
// ---------------------------------------------------------------------------

void lg__lanes_begin_gap(struct lanes *l, uint64_t when)
{
    for (int p = 0; p < PS_MAX; p++) {
        if (l->ps[p].g != 0) {
            end_run(l, p, when);
        }
    }
    for (uint32_t i = 0; i < l->nfresh; i++) {
        struct lane_g *g = &l->gs[i];
        if (g->id != 0 && g->state == LANE_WAITING) {
            g->gap = g->gap ? g->gap : later(when, g->since);
        } else if (g->id != 0 && g->state != LANE_UNKNOWN) {
            uint64_t at = end_state(l, g, when);
            lg__lane_set(l, g, LANE_UNKNOWN, at);
        }
        g->flow.lane = 0;
    }
    for (uint32_t i = 0; i < LANE_CHANS; i++) {
        l->chans[i].npending = 0;
    }
    end_phase(l, l->gc.cycle, when);
    l->gap = when;
}

void lg__lanes_end_gap(struct lanes *l, uint64_t when)
{
    lg__show_stretch(l, "not recorded", "gap", PID_TRACE, TID_GAPS, l->gap, when, no_arg);
    l->gap = 0;
    l->gap_end = when;
}

void lg__lanes_show_open(struct lanes *l, uint64_t now)
{
    for (int p = 0; p < PS_MAX; p++) {
        const struct lane_p *track = &l->ps[p];
        if (track->g != 0) {
            lg__show_run(l, p, track->g, lg__lane_find(l, track->g), track->since,
                         later(now, track->since));
        }
    }
    for (uint32_t lane = 1; lane <= l->nlanes; lane++) {
        const struct lane_g *g = l->owners[lane] ? &l->gs[l->owners[lane] - 1] : NULL;
        if (g && g->gap) {
            lg__show_state(l, g, g->gap);
        } else if (g) {
            lg__show_state(l, g, later(now, g->since));
        }
    }
    if (l->gc.phase) {
        lg__show_stretch(l, l->gc.phase, "gc", PID_COLLECTOR, TID_PHASES, l->gc.since,
                         later(now, l->gc.since),
                         (struct lane_arg){"cycle", l->gc.cycle});
    }
    if (l->gap) {
        lg__show_stretch(l, "not recorded", "gap", PID_TRACE, TID_GAPS, l->gap,
                         later(now, l->gap), no_arg);
    }
}

void lg__lanes_init(struct lanes *l, struct json_pages *out)
{
    l->out = out;
    l->gap_end = l->zero;
    lg__show_processes(l);
}
