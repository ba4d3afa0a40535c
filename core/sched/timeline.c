// SPDX-License-Identifier: MIT
#include "sched/timeline.h"

#include <string.h>

#include "os/cpu.h"
#include "os/thread.h"
#include "os/vm.h"
#include "sched/order.h"
#include "sched/runtime.h"
#include "sched/strand.h"
#include "sched/tracepoint.h"

// ---------------------------------------------------------------------------
// Windows
// ---------------------------------------------------------------------------

// False: somebody else does.
static bool close_window(struct lg_runtime *rt, uint32_t window, uint64_t when)
{
    struct timeline *t = &rt->timeline;
    uint32_t closing = (window & ~(uint32_t)WINDOW_STATE) | WINDOW_CLOSING;
    // relaxed: the winner has it for itself until the store below
    if (!atomic_compare_exchange_strong_explicit(
            &t->window, &window, closing, memory_order_relaxed, memory_order_relaxed)) {
        return false;
    }
    t->closed_at = when;
    if (!lg__order_is_kept(rt)) {
        // relaxed: who sees it late finds the window closed
        atomic_fetch_and_explicit(&rt->interrupts, ~(uint32_t)INTERRUPT_TRACE,
                                  memory_order_relaxed);
    }
    // release: pairs with the acquire of who empties; closed_at, and the interrupt before
    // it is turned on again
    atomic_store_explicit(&t->window, (closing & ~(uint32_t)WINDOW_STATE) | WINDOW_CLOSED,
                          memory_order_release);
    return true;
}

void lg__timeline_open(struct lg_runtime *rt)
{
    struct timeline *t = &rt->timeline;
    // relaxed: closed, it is ours
    uint32_t window = atomic_load_explicit(&t->window, memory_order_relaxed);
    LG_ASSERT((window & WINDOW_STATE) == WINDOW_CLOSED);
    // relaxed: who sees it late misses the first events. It comes first: who closes the
    // window at once turns it off after this
    atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_TRACE, memory_order_relaxed);
    // release: pairs with the acquire in is_open() and fill_open(); the rings, their tails,
    // source and start
    atomic_store_explicit(&t->window, window + WINDOW_NEXT + WINDOW_OPEN,
                          memory_order_release);
}

bool lg__timeline_close(struct lg_runtime *rt)
{
    struct timeline *t = &rt->timeline;
    // relaxed: the CAS tells
    uint32_t window = atomic_load_explicit(&t->window, memory_order_relaxed);
    bool is_ours = (window & WINDOW_STATE) == WINDOW_OPEN &&
                   close_window(rt, window, lg__timeline_now(t));
    // acquire: as whoever empties; a P may be at it
    while ((atomic_load_explicit(&t->window, memory_order_acquire) & WINDOW_STATE) !=
           WINDOW_CLOSED) {
        lg__cpu_pause();
    }
    return is_ours;
}

// ---------------------------------------------------------------------------
// Rings
// ---------------------------------------------------------------------------

static struct timeline_ring *make_ring(void)
{
    void *ring;
    return lg__vm_reserve(sizeof(struct timeline_ring), &ring) ? NULL : ring;
}

int lg__timeline_make_rings(struct lg_runtime *rt)
{
    struct timeline *t = &rt->timeline;
    if (!t->shared) { // later on others read it
        t->shared = make_ring();
    }
    bool is_short = !t->shared;
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct p *p = lg__p_at(rt, i);
        // relaxed: only we write it, once the P is there
        if (atomic_load_explicit(&p->timeline, memory_order_relaxed)) {
            continue;
        }
        struct timeline_ring *ring = make_ring();
        is_short |= !ring;
        // release: pairs with the acquire in ring_of(); it is zeroed
        atomic_store_explicit(&p->timeline, ring, memory_order_release);
    }
    return is_short ? LG_ENOMEM : LG_OK;
}

void lg__timeline_equip(struct lg_runtime *rt, struct p *p)
{
    if (lg__use_of(&rt->timeline.use) != USE_OFF) {
        // relaxed: published with the P
        atomic_store_explicit(&p->timeline, make_ring(), memory_order_relaxed);
    }
}

void lg__timeline_free_rings(struct lg_runtime *rt)
{
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct p *p = lg__p_at(rt, i);
        // relaxed: nobody else is left
        struct timeline_ring *ring =
            atomic_load_explicit(&p->timeline, memory_order_relaxed);
        if (ring) {
            lg__vm_free(ring, sizeof *ring);
        }
    }
    if (rt->timeline.shared) {
        lg__vm_free(rt->timeline.shared, sizeof *rt->timeline.shared);
        rt->timeline.shared = NULL;
    }
}

static struct timeline_ring *ring_of(struct p *p)
{
    // acquire: pairs with the release in lg__timeline_make_rings()
    return p ? atomic_load_explicit(&p->timeline, memory_order_acquire) : NULL;
}

// ---------------------------------------------------------------------------
// Who fills
// ---------------------------------------------------------------------------

// Appends events, all or none. False: there is no room. Who fills the ring.
static bool append(struct timeline_ring *ring, const struct timeline_event *events,
                   uint32_t n)
{
    // relaxed: our own
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    // acquire: pairs with the release of who empties; it has read what stood there
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (LG_UNLIKELY(head + n - tail > TIMELINE_RING_CAP)) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        ring->events[(head + i) % TIMELINE_RING_CAP] = events[i];
    }
    // release: pairs with the acquire of who empties
    atomic_store_explicit(&ring->head, head + n, memory_order_release);
    return true;
}

// Tells of something at this moment, if the window is open. False: it is lost.
static bool fill_open(struct lg_runtime *rt, struct timeline_ring *ring,
                      struct timeline_event *events, uint32_t n)
{
    struct timeline *t = &rt->timeline;
    // acquire: pairs with the release in lg__timeline_open()
    uint32_t window = atomic_load_explicit(&t->window, memory_order_acquire);
    if ((window & WINDOW_STATE) != WINDOW_OPEN) {
        return false;
    }
    uint64_t when = lg__timeline_now(t);
    for (uint32_t i = 0; i < n; i += 1 + (uint32_t)lg__timeline_ntext(&events[i])) {
        events[i].when |= when << TIMELINE_KIND_BITS;
    }
    bool is_added = append(ring, events, n);
    if (LG_UNLIKELY(!is_added)) {
        // relaxed: who empties looks when it has seen that we are done
        atomic_store_explicit(&ring->lost_at, when, memory_order_relaxed);
        close_window(rt, window, when);
    }
    return is_added;
}

// The same, and who empties waits for it. Who fills has the ring for himself meanwhile: what
// stands in it is in the order of time.
static bool fill(struct lg_runtime *rt, struct timeline_ring *ring,
                 struct timeline_event *events, uint32_t n)
{
    // relaxed: who empties has us pass a barrier, and looks then; the compiler keeps the
    // look at the window, and the stamp, behind it
    atomic_store_explicit(&ring->is_filling, true, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    bool is_added = fill_open(rt, ring, events, n);
    // release: pairs with the acquire in await(); the events, lost_at
    atomic_store_explicit(&ring->is_filling, false, memory_order_release);
    return is_added;
}

static struct p *own_p(struct lg_runtime *rt)
{
    struct m *m = lg__m();
    return m && m->rt == rt ? m->p : NULL;
}

// The same by the calling thread. Only the kinds stand in `when`.
static bool add(struct lg_runtime *rt, struct timeline_event *events, uint32_t n)
{
    struct timeline *t = &rt->timeline;
    struct timeline_ring *ring = ring_of(own_p(rt));
    if (LG_LIKELY(ring)) {
        return fill(rt, ring, events, n);
    }
    lg__lock(&t->shared_lock, RANK_TRACE);
    bool is_added = fill(rt, t->shared, events, n);
    lg__unlock(&t->shared_lock, RANK_TRACE);
    return is_added;
}

// ---------------------------------------------------------------------------
// Who empties
// ---------------------------------------------------------------------------

enum { SETTLE_STEPS = 1000 }; // some tens of microseconds: noting an event takes none

// Calls a function with each ring that there is, until it is refused.
static bool each_ring(struct lg_runtime *rt,
                      bool (*visit)(struct timeline_ring *ring, void *ud), void *ud)
{
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct timeline_ring *ring = ring_of(lg__p_at(rt, i));
        if (ring && !visit(ring, ud)) {
            return false;
        }
    }
    return visit(rt->timeline.shared, ud);
}

static bool await(struct timeline_ring *ring, void *ud)
{
    int *left = ud;
    // acquire: pairs with the release in fill()
    while (atomic_load_explicit(&ring->is_filling, memory_order_acquire)) {
        if (--*left < 0) {
            return false;
        }
        lg__cpu_pause();
    }
    return true;
}

bool lg__timeline_settle(struct lg_runtime *rt)
{
    int left = SETTLE_STEPS;
    lg__thread_barrier_all(); // refused: who is at it right now is not seen
    return each_ring(rt, await, &left);
}

struct lost {
    uint64_t opened;
    uint64_t first;
};

static bool compare_lost(struct timeline_ring *ring, void *ud)
{
    struct lost *lost = ud;
    // relaxed: await() has had the acquire; what is newer is too late to matter
    uint64_t at = atomic_load_explicit(&ring->lost_at, memory_order_relaxed);
    if (at >= lost->opened && at < lost->first) {
        lost->first = at;
    }
    return true;
}

void lg__timeline_find_lost(struct lg_runtime *rt, uint64_t opened, uint64_t *out)
{
    struct lost lost = {.opened = opened, .first = *out};
    each_ring(rt, compare_lost, &lost);
    *out = lost.first;
}

// ---------------------------------------------------------------------------
// Names
// ---------------------------------------------------------------------------

enum {
    LABEL_MAX = LG_NAME_SIZE + LG_PLACE_SIZE,
    LABEL_EVENTS =
        (LABEL_MAX + sizeof(struct timeline_event) - 1) / sizeof(struct timeline_event),
};

static void describe(struct lg_g *g, lg_label *out)
{
    struct m *m = lg__m();
    out->place[0] = '\0';
    lg__g_name(g, out->name);
    if (g->strand && g->strand->ops->describe && m->strand == g->strand) {
        g->strand->ops->describe(g->strand, g, g->extra, out);
    }
}

// Returns how many events it is.
static uint32_t make_label(struct lg_g *g, struct timeline_event events[1 + LABEL_EVENTS])
{
    lg_label label;
    describe(g, &label);
    size_t name_length = strnlen(label.name, LG_NAME_SIZE - 1);
    size_t place_length = strnlen(label.place, LG_PLACE_SIZE - 1);
    char text[LABEL_MAX];
    memcpy(text, label.name, name_length);
    memcpy(text + name_length, label.place, place_length);
    size_t length = name_length + place_length;
    memcpy(&events[1], text, length);
    events[0] = (struct timeline_event){
        .when = TIMELINE_LABEL,
        .g = lg__g_id(g),
        .arg = name_length << 32 | place_length,
    };
    return 1 + (uint32_t)lg__timeline_ntext(&events[0]);
}

// ---------------------------------------------------------------------------
// Events
// ---------------------------------------------------------------------------

// Not the goroutine itself may ask: a figure that is compared, nothing more.
static uint64_t wait_of(struct lg_g *g)
{
    // relaxed: as above
    return lg__wait_number_of(atomic_load_explicit(&g->wait.word, memory_order_relaxed));
}

// What g->told is when it was told in this timeline.
static uint64_t told_of(struct lg_g *g)
{
    // relaxed: seen late, it is told late
    return lg__g_id(g) ^
           atomic_load_explicit(&g->rt->timeline.told_mark, memory_order_relaxed);
}

// Whoever runs a goroutine says once who it is: with its first step in this trace, since
// it may be older, or be given its name right after its start.
static void note_run(struct lg_g *g, const struct timeline_event *event)
{
    struct timeline_event events[1 + LABEL_EVENTS + 1];
    uint64_t told = told_of(g);
    uint32_t n = make_label(g, events);
    events[n] = *event;
    if (add(g->rt, events, n + 1)) {
        g->told = told;
    }
}

static bool is_open(struct timeline *t)
{
    // acquire: pairs with the release in lg__timeline_open(); the shared ring is there. Only a
    // look, fill_open() looks again
    uint32_t window = atomic_load_explicit(&t->window, memory_order_acquire);
    return (window & WINDOW_STATE) == WINDOW_OPEN;
}

void lg__timeline_note(struct lg_runtime *rt, unsigned kind, struct lg_g *g, uint64_t arg,
                       uint64_t more)
{
    if (!is_open(&rt->timeline)) {
        return;
    }
    struct timeline_event event = {
        .when = kind,
        .g = g ? lg__g_id(g) : 0,
        .arg = arg,
        .more = more,
    };
    if (g && kind == LG_TRACE_PARK) {
        event.arg = wait_of(g);
    } else if (g && kind == LG_TRACE_READY) {
        event.more = wait_of(g);
    }
    if (LG_UNLIKELY(g && kind == LG_TRACE_RUN && g->told != told_of(g))) {
        note_run(g, &event);
    } else {
        add(rt, &event, 1);
    }
}

void lg__timeline_rename(struct lg_g *g)
{
    struct timeline_event events[1 + LABEL_EVENTS];
    bool is_told = is_open(&g->rt->timeline) && add(g->rt, events, make_label(g, events));
    g->told = is_told ? told_of(g) : 0;
}
