// SPDX-License-Identifier: MIT
#include "sched/trace.h"

#include <inttypes.h>
#include <stdio.h>

#include "sched/order.h"
#include "sched/runtime.h"

static const char *const names[] = {
    [LG_TRACE_START] = "start",         [LG_TRACE_RUN] = "run",
    [LG_TRACE_PARK] = "park",           [LG_TRACE_YIELD] = "yield",
    [LG_TRACE_READY] = "ready",         [LG_TRACE_END] = "end",
    [LG_TRACE_SEND] = "send",           [LG_TRACE_RECV] = "recv",
    [LG_TRACE_CLOSE] = "close",         [LG_TRACE_SELECT] = "select",
    [LG_TRACE_TIMER] = "timer",         [LG_TRACE_INPUT] = "input",
    [LG_TRACE_GC_BEGIN] = "gc begin",   [LG_TRACE_GC_END] = "gc end",
    [LG_TRACE_POLL] = "poll",           [LG_TRACE_STEAL] = "steal",
    [LG_TRACE_GC_SWEEP] = "gc sweep",   [LG_TRACE_JOB] = "job",
    [LG_TRACE_JOB_BEGIN] = "job begin",
};

// What the number of each is, for lg_trace_line(); NULL: it has none.
static const char *const args[] = {
    [LG_TRACE_START] = "by",     [LG_TRACE_READY] = "by",
    [LG_TRACE_SEND] = "chan",    [LG_TRACE_RECV] = "chan",
    [LG_TRACE_CLOSE] = "chan",   [LG_TRACE_SELECT] = "case",
    [LG_TRACE_INPUT] = "input",  [LG_TRACE_GC_BEGIN] = "cycle",
    [LG_TRACE_GC_END] = "cycle", [LG_TRACE_POLL] = "strands",
    [LG_TRACE_STEAL] = "from",   [LG_TRACE_GC_SWEEP] = "cycle",
    [LG_TRACE_JOB] = "by",
};

enum { NKINDS = sizeof names / sizeof *names, NARGS = sizeof args / sizeof *args };

static const int64_t NS_PER_S = 1000000000;

// ---------------------------------------------------------------------------
// Events
// ---------------------------------------------------------------------------

// The buffer of the calling thread's P. One that was made since has none of its own.
static struct trace_buffer *own_buffer(struct lg_runtime *rt, const struct p *p)
{
    uint32_t last = rt->trace.nbuffers - 1;
    return &rt->trace.buffers[p && p->number < last ? p->number : last];
}

static void flush_locked(struct lg_runtime *rt, struct trace_buffer *b)
    LG_REQUIRES(b->lock)
{
    lg__lock(&rt->trace.lock, RANK_TRACE_OUT);
    if (b->count > 0) {
        rt->trace.write(rt->trace.ud, b->events, b->count);
    }
    lg__unlock(&rt->trace.lock, RANK_TRACE_OUT);
    b->count = 0;
}

static void add(struct lg_runtime *rt, const struct p *p, const lg_trace_event *event)
{
    struct trace_buffer *b = own_buffer(rt, p);
    lg__lock(&b->lock, RANK_TRACE);
    // acquire: as in emit_told(), it may be another trace by now. lg_trace_stop() has taken
    // this lock after it was cleared, or comes to it later
    if (atomic_load_explicit(&rt->trace.is_on, memory_order_acquire)) {
        b->events[b->count++] = *event;
        if (b->count == TRACE_BUFFER_CAP) {
            flush_locked(rt, b);
        }
    }
    lg__unlock(&b->lock, RANK_TRACE);
}

// The deterministic order's share, and that of who is told in lines.
static void emit_told(struct lg_runtime *rt, lg_trace_kind kind, struct lg_g *g,
                      uint64_t arg, const char *what)
{
    struct m *m = lg__m();
    struct p *p = m && m->rt == rt ? m->p : NULL;
    lg_trace_event event = {
        .kind = kind,
        .p = p ? (int)p->number : -1,
        .g = g ? lg__g_id(g) : 0,
        .arg = arg,
        .what = what,
    };
    if (lg__order_is_kept(rt)) {
        // What the system tells, and when, is of the outside.
        if (kind == LG_TRACE_POLL || lg__order_is_beside(m, g)) {
            return;
        }
        if (p) {
            lg__order_note(rt, &event);
        }
    }
    // acquire: pairs with the release in lg_trace_start(); the buffers are there
    if (atomic_load_explicit(&rt->trace.is_on, memory_order_acquire)) {
        event.time_ns = lg__now(rt);
        add(rt, p, &event);
    }
}

static bool is_told(struct lg_runtime *rt)
{
    // relaxed: a look, emit_told() looks again
    return lg__order_is_kept(rt) ||
           atomic_load_explicit(&rt->trace.is_on, memory_order_relaxed);
}

void lg__trace_emit(struct lg_runtime *rt, lg_trace_kind kind, struct lg_g *g,
                    uint64_t arg, const char *what)
{
    // relaxed: as in lg__trace_is_on()
    uint32_t interrupts = atomic_load_explicit(&rt->interrupts, memory_order_relaxed);
    if (interrupts & INTERRUPT_PROFILE) {
        lg__profile_event(rt, kind, g);
    }
    if (!(interrupts & INTERRUPT_TRACE)) {
        return;
    }
    lg__timeline_note(rt, (unsigned)kind, g, arg, (uint64_t)(uintptr_t)what);
    if (is_told(rt)) {
        emit_told(rt, kind, g, arg, what);
    }
}

void lg__trace_leave(struct lg_g *g, const char *reason)
{
    struct m *m = lg__m();
    if (reason) {
        lg__trace_emit(g->rt, LG_TRACE_PARK, g, 0, reason);
    } else {
        bool is_over = m && m->p && (lg__p_asks(m->p) & ASK_PREEMPT);
        lg__trace_emit(g->rt, LG_TRACE_YIELD, g, 0, is_over ? "preempted" : NULL);
    }
}

uint32_t lg__trace_number(struct lg_runtime *rt, _Atomic uint32_t *number)
{
    // relaxed: a name; of two that give it one the CAS takes the first
    uint32_t is = atomic_load_explicit(number, memory_order_relaxed);
    if (is == 0 && !(lg__order_is_kept(rt) && lg__order_is_beside(lg__m(), NULL))) {
        uint32_t fresh =
            atomic_fetch_add_explicit(&rt->trace.nchans, 1, memory_order_relaxed) + 1;
        if (atomic_compare_exchange_strong_explicit(
                number, &is, fresh, memory_order_relaxed, memory_order_relaxed)) {
            is = fresh;
        }
    }
    return is;
}

static void note_chan(struct lg_runtime *rt, lg_trace_kind kind, struct lg_g *g,
                      uint32_t number, const struct trace_op *op)
{
    uint64_t len = op->len < TIMELINE_LEN_MAX ? op->len : TIMELINE_LEN_MAX;
    uint64_t closed = op->is_closed ? TIMELINE_CHAN_CLOSED : 0;
    lg__timeline_note(rt, (unsigned)kind, g, number | len << TIMELINE_LEN_SHIFT | closed,
                      op->partner);
}

void lg__trace_chan(struct lg_runtime *rt, lg_trace_kind kind, _Atomic uint32_t *number,
                    const struct trace_op *op)
{
    struct m *m = lg__m();
    struct lg_g *g = m ? m->g : NULL;
    uint32_t is = lg__trace_number(rt, number);
    note_chan(rt, kind, g, is, op);
    if (is_told(rt)) {
        emit_told(rt, kind, g, is, NULL);
    }
}

void lg__trace_case(struct lg_runtime *rt, lg_trace_kind kind, _Atomic uint32_t *number,
                    const struct trace_op *op)
{
    struct m *m = lg__m();
    // A deterministic order has given no number here, with or without a timeline.
    // relaxed: as above
    uint32_t is = lg__order_is_kept(rt)
                      ? atomic_load_explicit(number, memory_order_relaxed)
                      : lg__trace_number(rt, number);
    note_chan(rt, kind, m ? m->g : NULL, is, op);
}

// ---------------------------------------------------------------------------
// On and off
// ---------------------------------------------------------------------------

static int make_buffers(struct lg_runtime *rt)
{
    struct trace *t = &rt->trace;
    if (!t->buffers) {
        uint32_t count = lg__nps(rt) + 1;
        t->buffers = lg__alloc_new(&rt->alloc, count * sizeof *t->buffers);
        t->nbuffers = t->buffers ? count : 0;
    }
    return t->buffers ? LG_OK : LG_ENOMEM;
}

int lg_trace_start(lg_runtime *rt,
                   void (*write)(void *ud, const lg_trace_event *events, size_t nevents),
                   void *ud)
{
    struct trace *t = &rt->trace;
    if (!lg__use_move(&t->use, USE_OFF, USE_TAKEN)) {
        return LG_EBUSY;
    }
    // Afterwards: or both could be started at once (lg_timeline_start()).
    int err = lg__use_of(&rt->timeline.use) != USE_OFF ? LG_EBUSY : make_buffers(rt);
    if (err) {
        lg__use_move(&t->use, USE_TAKEN, USE_OFF);
        return err;
    }
    t->write = write;
    t->ud = ud;
    // release: pairs with the acquire in emit_told(); publishes all that
    atomic_store_explicit(&t->is_on, true, memory_order_release);
    // relaxed: who sees it late misses the first events
    atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_TRACE, memory_order_relaxed);
    lg__use_move(&t->use, USE_TAKEN, USE_ON);
    return LG_OK;
}

void lg_trace_stop(lg_runtime *rt)
{
    struct trace *t = &rt->trace;
    if (!lg__use_move(&t->use, USE_ON, USE_TAKEN)) {
        return; // the interrupt may be a timeline's
    }
    if (!lg__order_is_kept(rt)) {
        // relaxed: is_on tells
        atomic_fetch_and_explicit(&rt->interrupts, ~(uint32_t)INTERRUPT_TRACE,
                                  memory_order_relaxed);
    }
    // relaxed: looked at under the locks that are taken now
    atomic_store_explicit(&t->is_on, false, memory_order_relaxed);
    for (uint32_t i = 0; i < t->nbuffers; i++) {
        lg__lock(&t->buffers[i].lock, RANK_TRACE);
        flush_locked(rt, &t->buffers[i]);
        lg__unlock(&t->buffers[i].lock, RANK_TRACE);
    }
    lg__use_move(&t->use, USE_TAKEN, USE_OFF);
}

void lg__trace_fini(struct lg_runtime *rt)
{
    struct trace *t = &rt->trace;
    lg_trace_stop(rt);
    lg__alloc_free(&rt->alloc, t->buffers, t->nbuffers * sizeof *t->buffers);
    t->buffers = NULL;
    t->nbuffers = 0;
}

const char *lg_trace_name(lg_trace_kind kind)
{
    return (unsigned)kind < NKINDS && names[kind] ? names[kind] : "?";
}

size_t lg_trace_line(const lg_trace_event *event, char *out, size_t size)
{
    unsigned kind = (unsigned)event->kind;
    const char *name = lg_trace_name(event->kind);
    const char *arg = kind < NARGS ? args[kind] : NULL;
    char number[48] = "";
    if (arg) {
        snprintf(number, sizeof number, " %s=%" PRIu64, arg, event->arg);
    }
    int length =
        snprintf(out, size, "%" PRId64 ".%09" PRId64 " p%d g%" PRIu64 " %s%s%s%s",
                 event->time_ns / NS_PER_S, event->time_ns % NS_PER_S, event->p, event->g,
                 name, number, event->what ? " " : "", event->what ? event->what : "");
    return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size ? size - 1 : 0;
}
