// SPDX-License-Identifier: MIT
#include "rt/scribe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lagoon.h"
#include "os/clock.h"
#include "os/vm.h"
#include "rt/laneshow.h"
#include "sched/runtime.h"
#include "sched/tracepoint.h"

enum {
    REST_MIN_NS = 20 * 1000 * 1000,
    REST_MAX_NS = 100 * 1000 * 1000, // while nothing happens
    REST_SHARE = 80, // rests so many times as long as it has worked, for each busy P
    PUT_OFF_MAX = 8, // turns, for a thread that is in the midst of telling something
    FIGURES_NS = 100 * 1000 * 1000,
    // Of ticks against the clock, before there are events to write.
    CALIBRATE_NS = 1000 * 1000,
};

static const uint64_t FILE_MAX_BYTES = UINT64_C(1) << 30;

// ---------------------------------------------------------------------------
// Emptying the rings
// ---------------------------------------------------------------------------

static void add_source(struct merge *m, struct timeline_ring *ring, int p)
{
    // relaxed: our own
    uint64_t at = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    // acquire: pairs with the release of who fills; the events
    uint64_t end = atomic_load_explicit(&ring->head, memory_order_acquire);
    m->nbusy += end - at > TIMELINE_RING_CAP / 4;
    if (at < end) {
        m->sources[m->n++] = (struct source){.ring = ring, .at = at, .end = end, .p = p};
    }
}

static void add_sources(struct merge *m, struct lg_runtime *rt)
{
    m->n = 0;
    m->nbusy = 0;
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        // relaxed: we have written it, or it came with the P
        struct timeline_ring *ring =
            atomic_load_explicit(&lg__p_at(rt, i)->timeline, memory_order_relaxed);
        if (ring) {
            add_source(m, ring, (int)i);
        }
    }
    add_source(m, rt->timeline.shared, -1);
}

static const struct timeline_event *first_of(const struct source *s)
{
    return &s->ring->events[s->at % TIMELINE_RING_CAP];
}

static uint64_t when_of(const struct source *s)
{
    return first_of(s)->when >> TIMELINE_KIND_BITS;
}

// The source with the oldest event, and until when it stays that.
static struct source *oldest(struct merge *m, uint64_t *out_until)
{
    struct source *first = NULL;
    uint64_t first_when = UINT64_MAX;
    *out_until = UINT64_MAX;
    for (uint32_t i = 0; i < m->n; i++) {
        uint64_t when = when_of(&m->sources[i]);
        if (when < first_when) {
            *out_until = first_when;
            first = &m->sources[i];
            first_when = when;
        } else if (when < *out_until) {
            *out_until = when;
        }
    }
    return first;
}

enum { TEXT_EVENTS_MAX = 4 };

// Takes the first event of a source.
static void take_first(struct scribe *s, struct source *from)
{
    const struct timeline_event *event = first_of(from);
    struct timeline_event text[TEXT_EVENTS_MAX];
    uint64_t ntext = lg__timeline_ntext(event);
    LG_ASSERT(ntext <= TEXT_EVENTS_MAX && from->at + ntext < from->end);
    for (uint64_t i = 0; i < ntext; i++) {
        text[i] = from->ring->events[(from->at + 1 + i) % TIMELINE_RING_CAP];
    }
    s->has_lost_label |= lg__lanes_take(&s->lanes, from->p, event, (const char *)text);
    from->at += 1 + ntext;
    s->nevents++;
}

static void drop_first(struct scribe *s, struct source *from)
{
    uint64_t ntext = lg__timeline_ntext(first_of(from));
    s->has_lost_label |= ntext > 0;
    from->at += 1 + ntext;
}

static void tell_anew(struct timeline *t)
{
    // relaxed: goroutines that run tell again who they are, as they come by
    atomic_fetch_add_explicit(&t->told_mark, UINT64_C(1) << 56, memory_order_relaxed);
}

static void publish_tail(const struct source *from)
{
    // release: pairs with the acquire of who fills; the events are read
    atomic_store_explicit(&from->ring->tail, from->at, memory_order_release);
}

static void remove_source(struct merge *m, struct source *from)
{
    *from = m->sources[--m->n];
}

// Takes what is older than `from` and until then; the rest stays, or is dropped.
static void take_all(struct scribe *s, struct merge *m, uint64_t until, bool drops_rest)
{
    uint64_t oldest_until;
    struct source *from;
    while ((from = oldest(m, &oldest_until)) != NULL) {
        uint64_t stop = oldest_until < until ? oldest_until : until;
        while (from->at < from->end && when_of(from) <= stop) {
            if (when_of(from) >= s->lanes.gap_end) {
                take_first(s, from);
            } else {
                drop_first(s, from); // it came late, from a gap
            }
        }
        bool is_over = from->at == from->end || when_of(from) > until;
        while (drops_rest && is_over && from->at < from->end) {
            drop_first(s, from);
        }
        publish_tail(from);
        if (is_over) {
            remove_source(m, from);
        }
    }
}

// ---------------------------------------------------------------------------
// A turn
// ---------------------------------------------------------------------------

static uint32_t count_threads(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    uint32_t n = rt->nlive + (rt->driver != NULL);
    lg__unlock(&rt->lock, RANK_SCHED);
    return n;
}

static uint64_t count_heap(struct lg_runtime *rt)
{
    // relaxed: figures
    size_t npages =
        atomic_load_explicit(&rt->heap.nspanned[SPAN_EXPLICIT], memory_order_relaxed) +
        atomic_load_explicit(&rt->heap.nspanned[SPAN_COLLECTED], memory_order_relaxed);
    return (uint64_t)npages << PAGE_SHIFT;
}

static void show_figures(struct scribe *s, uint64_t when)
{
    struct lg_runtime *rt = s->rt;
    lg__show_figure(&s->lanes, "heap", "bytes", count_heap(rt), when);
    lg__show_figure(&s->lanes, "goroutines", "count", lg_num_goroutine(rt), when);
    lg__show_figure(&s->lanes, "threads", "count", count_threads(rt), when);
    lg__show_figure(&s->lanes, "runnable", "count", s->lanes.nrunnable, when);
}

static bool is_closed(struct timeline *t)
{
    // acquire: pairs with the release in close_window(); closed_at
    uint32_t window = atomic_load_explicit(&t->window, memory_order_acquire);
    return (window & WINDOW_STATE) == WINDOW_CLOSED;
}

// Whether all is there that was stamped by now, or whoever is late was waited for long enough.
static bool is_settled(struct scribe *s)
{
    // relaxed: our own; specs look, too
    uint32_t n = atomic_load_explicit(&s->nput_off, memory_order_relaxed);
    bool is = n == PUT_OFF_MAX || lg__timeline_settle(s->rt);
    atomic_store_explicit(&s->nput_off, is ? 0 : n + 1, memory_order_relaxed);
    return is;
}

// What is told by now; of a window that is closed nothing later, and in the gap nothing. False:
// it is put off.
static bool take(struct scribe *s)
{
    struct timeline *t = &s->rt->timeline;
    uint64_t until = lg__timeline_now(t);
    bool is_over = is_closed(t);
    if (is_over) {
        until = s->lanes.gap == 0 ? t->closed_at : 0;
    }
    if (!is_settled(s)) {
        return false;
    }
    uint64_t first_lost = until;
    lg__timeline_find_lost(s->rt, s->lanes.gap_end, &first_lost);
    s->is_last &= first_lost == until; // else a gap is between it and the end
    until = first_lost;
    add_sources(&s->merge, s->rt);
    s->has_lost_label = false;
    take_all(s, &s->merge, until, is_over);
    if (s->has_lost_label) {
        tell_anew(t);
    }
    if (is_over && s->lanes.gap == 0 && !s->is_last) {
        lg__lanes_begin_gap(&s->lanes, until);
    }
    if (lg__json_bytes(&s->json) > FILE_MAX_BYTES || s->json.err != LG_OK) {
        s->is_full = true;
        lg__timeline_close(s->rt); // the next turn sees that
    }
    return true;
}

static void open_next(struct scribe *s)
{
    struct timeline *t = &s->rt->timeline;
    if (s->lanes.gap != 0 && !s->is_full && is_closed(t)) {
        lg__lanes_end_gap(&s->lanes, lg__timeline_now(t));
        lg__timeline_open(s->rt);
    }
}

// False: it is put off.
static bool turn(struct scribe *s)
{
    struct timeline *t = &s->rt->timeline;
    int64_t since_ns = lg__clock_cpu();
    s->nevents = 0;
    if (!take(s)) {
        s->rest_ns = REST_MIN_NS;
        return false;
    }
    uint64_t now = s->is_last ? t->closed_at : lg__timeline_now(t);
    int64_t now_ns = lg__clock_now();
    if (now_ns - s->figures_ns >= FIGURES_NS && !s->is_full) {
        show_figures(s, now);
        s->figures_ns = now_ns;
    }
    lg__json_mark(&s->json);
    lg__lanes_show_open(&s->lanes, now);
    lg__json_back(&s->json);
    int64_t worked_ns = lg__clock_cpu() - since_ns;
    int64_t rest_ns = worked_ns * REST_SHARE / (s->merge.nbusy ? s->merge.nbusy : 1);
    int64_t least_ns = s->nevents > 0 ? REST_MIN_NS : s->rest_ns * 2;
    least_ns = least_ns < REST_MAX_NS ? least_ns : REST_MAX_NS;
    s->rest_ns = rest_ns > least_ns ? rest_ns : least_ns;
    return true;
}

static void scribe_main(void *arg)
{
    struct scribe *s = arg;
    lg__thread_stand_back();
    do {
        lg__note_sleep(&s->note, s->rest_ns);
        // acquire: pairs with the release in lg_timeline_stop()
        if (!atomic_load_explicit(&s->must_end, memory_order_acquire)) {
            lg__timeline_make_rings(s->rt); // of Ps that have come since
            open_next(s);
            turn(s);
        }
    } while (!atomic_load_explicit(&s->must_end, memory_order_acquire));
}

// ---------------------------------------------------------------------------
// Start and stop
// ---------------------------------------------------------------------------

static int open_file(struct scribe *s, const char *path)
{
    char head[512];
    int64_t wall_ns = lg__clock_wall();
    int length = snprintf(
        head, sizeof head,
        "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"program\":\"lagoon\",\"version\":"
        "\"%s\","
        "\"procs\":%u,\"start\":%" PRId64 ".%06" PRId64 "},\"traceEvents\":[\n"
        "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%d,\"tid\":0,\"args\":{\"name\":"
        "\"Ps\"}}",
        LG_VERSION, lg__nprocs(s->rt), wall_ns / 1000000000, wall_ns % 1000000000 / 1000,
        PID_PS);
    return lg__json_open(&s->json, path, head, (size_t)length);
}

// The first of the events: goroutines that are there.
static bool meet(void *ud, const lg_g_info *info)
{
    struct scribe *s = ud;
    if (info->ref.id && info->status == LG_WAITING && info->wait_reason) {
        lg__lanes_meet(&s->lanes, info);
    }
    return s->lanes.nlanes < LANES_MAX;
}

// Forgets what has come late for the last timeline.
static void drop_all(struct scribe *s)
{
    struct merge *m = &s->merge;
    add_sources(m, s->rt);
    for (uint32_t i = 0; i < m->n; i++) {
        m->sources[i].at = m->sources[i].end;
        publish_tail(&m->sources[i]);
    }
}

static void begin(struct scribe *s)
{
    struct timeline *t = &s->rt->timeline;
    if (t->start == 0) {
        t->source = lg__tick_source();
        t->start = lg__ticks(t->source);
    }
    drop_all(s); // first: what comes from now on is new
    struct tick_moment now = lg__tick_moment(t->source);
    s->start = now.ticks;
    s->start_ns = now.ns;
    s->rest_ns = REST_MIN_NS;
    s->lanes.zero = s->start - t->start;
    // Once: times would contradict each other if it changed.
    s->lanes.ns_per_tick = lg__tick_rate(t->source, now, CALIBRATE_NS);
    lg__lanes_init(&s->lanes, &s->json);
    tell_anew(t);
    lg__timeline_open(s->rt);
    lg_goroutines(s->rt, meet, s);
    turn(s);
}

static int start(struct lg_runtime *rt, const char *path)
{
    struct timeline *t = &rt->timeline;
    void *memory;
    int err = lg__timeline_make_rings(rt);
    err = err ? err : lg__vm_reserve(sizeof *t->scribe, &memory);
    if (err) {
        return err;
    }
    struct scribe *s = memory;
    s->rt = rt;
    err = open_file(s, path);
    if (err) {
        goto undo_memory;
    }
    begin(s);
    err = lg__thread_start(scribe_main, s, "lagoon-trace", NULL, &s->thread);
    if (err) {
        goto undo_file;
    }
    t->scribe = s;
    return LG_OK;

undo_file:
    lg__timeline_close(rt);
    lg__json_close(&s->json);
undo_memory:
    lg__vm_free(memory, sizeof *s);
    return err;
}

int lg_timeline_start(lg_runtime *rt, const char *path)
{
    struct timeline *t = &rt->timeline;
    if (!lg__use_move(&t->use, USE_OFF, USE_TAKEN)) {
        return LG_EBUSY;
    }
    // Afterwards: or both could be started at once (lg_trace_start()).
    int err = lg__use_of(&rt->trace.use) != USE_OFF ? LG_EBUSY : start(rt, path);
    lg__use_move(&t->use, USE_TAKEN, err ? USE_OFF : USE_ON);
    return err;
}

static int stop(struct scribe *s)
{
    // release: pairs with the acquire in scribe_main()
    atomic_store_explicit(&s->must_end, true, memory_order_release);
    lg__note_wake(&s->note);
    lg__thread_join(s->thread);
    s->is_last = lg__timeline_close(s->rt);
    s->figures_ns = 0;
    while (!turn(s)) {
        lg__note_sleep(&s->note, s->rest_ns);
    }
    return lg__json_close(&s->json);
}

int lg_timeline_stop(lg_runtime *rt)
{
    struct timeline *t = &rt->timeline;
    if (!lg__use_move(&t->use, USE_ON, USE_TAKEN)) {
        return LG_OK;
    }
    struct scribe *s = t->scribe;
    int err = stop(s);
    lg__vm_free(s, sizeof *s);
    lg__use_move(&t->use, USE_TAKEN, USE_OFF);
    return err;
}
