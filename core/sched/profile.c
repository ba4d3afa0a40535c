// SPDX-License-Identifier: MIT
#include "sched/profile.h"

#include "base/rand.h"
#include "os/clock.h"
#include "sched/runtime.h"
#include "sched/strand.h"
#include "sched/world.h"

static const int64_t NS_PER_S = 1000000000;

enum {
    HZ_MAX = 10000,
    // A goroutine whose stack could not be read is asked again after so long, twice so
    // long, and so on.
    NAG_AFTER_NS = 50 * 1000,
    NAGS_MAX = 5,
    // Of one look; what more there is waits for the next.
    NATIVES_MAX = 64,
    // Of ticks against the clock, before the first wait is told of.
    CALIBRATE_NS = 100 * 1000,
};

// ---------------------------------------------------------------------------
// Telling
// ---------------------------------------------------------------------------

static bool is_system(struct lg_g *g)
{
    // relaxed: written before it ran
    return atomic_load_explicit(&g->is_system, memory_order_relaxed);
}

static void fill(lg_profile_sample *sample, struct lg_g *g)
{
    sample->g = lg__g_id(g);
    lg__g_name(g, sample->name);
    // relaxed: as in lg__g_new()
    sample->strand = __atomic_load_n(&g->strand, __ATOMIC_RELAXED);
    sample->extra = sample->strand ? g->extra : NULL;
}

static void tell(struct lg_runtime *rt, const lg_profile_sample *sample)
{
    struct profile *pr = &rt->profile;
    // seq_cst: either we see that it is off, or lg_profile_stop() sees us
    atomic_fetch_add_explicit(&pr->nwriting, 1, memory_order_seq_cst);
    if (lg__use_of(&pr->use) == USE_ON) {
        pr->write(pr->ud, sample);
    }
    // release: pairs with the acquire in lg_profile_stop(); what was written is there
    atomic_fetch_sub_explicit(&pr->nwriting, 1, memory_order_release);
}

// ---------------------------------------------------------------------------
// What goroutines use
// ---------------------------------------------------------------------------

// Tells of what is due from the M, as used by g, whose stack can be read.
static void tell_due(struct m *m, struct lg_g *g, bool has_ended)
{
    struct due_sample *due = &m->due;
    // relaxed: sums; one that is added to meanwhile is told of the next time. Nearly always
    // there is none. And what a former profile has left is forgotten by who looks first
    if (atomic_load_explicit(&due->count, memory_order_relaxed) == 0 ||
        atomic_load_explicit(&due->session, memory_order_relaxed) !=
            atomic_load_explicit(&m->rt->profile.session, memory_order_relaxed)) {
        return;
    }
    uint32_t count = atomic_exchange_explicit(&due->count, 0, memory_order_relaxed);
    if (count == 0) {
        return;
    }
    lg_profile_sample sample = {
        .kind = LG_PROFILE_RAN,
        .has_ended = has_ended,
        .count = count,
        .cpu_ns = atomic_exchange_explicit(&due->cpu_ns, 0, memory_order_relaxed),
        .wall_ns = atomic_exchange_explicit(&due->wall_ns, 0, memory_order_relaxed),
    };
    fill(&sample, g);
    tell(m->rt, &sample);
}

void lg_profile_look(void)
{
    struct m *m = lg__m();
    if (m && m->g && m->g->strand) {
        tell_due(m, m->g, false);
    }
}

void lg__profile_on_signal(struct m *m, const struct interruption *at)
{
    struct lg_g *g = m->g;
    struct lg_strand *s = m->strand;
    // relaxed: the sampler has added to it before it sent the signal
    if (atomic_load_explicit(&m->due.count, memory_order_relaxed) > 0 &&
        m->after == AFTER_NOTHING && g && s && g->strand == s && s->ops->sample &&
        lg__nostop_is_clear()) {
        s->ops->sample(s, g, g->extra, at->pc);
    }
}

// ---------------------------------------------------------------------------
// The sampler
// ---------------------------------------------------------------------------

// One look at all Ms.
struct look {
    int64_t elapsed_ns; // since the last one
    int nnatives;
    lg_profile_sample natives[NATIVES_MAX];
};

static void forget_due(struct due_sample *due, uint32_t session)
{
    // relaxed: sums; and only its M tells of it, in this session
    atomic_store_explicit(&due->count, 0, memory_order_relaxed);
    atomic_store_explicit(&due->cpu_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&due->wall_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&due->session, session, memory_order_relaxed);
}

// How much CPU time an M's thread has used since it was last found at something.
static int64_t used_ns(const struct profile *pr, struct m *m, int64_t elapsed_ns)
{
    struct due_sample *due = &m->due;
    int64_t cpu_ns = lg__clock_cpu_of(m->thread_handle);
    int64_t used_ns = cpu_ns - due->seen_cpu_ns;
    // relaxed: the sampler's own
    uint32_t session = atomic_load_explicit(&pr->session, memory_order_relaxed);
    if (atomic_load_explicit(&due->session, memory_order_relaxed) != session) {
        forget_due(due, session);
        // Nobody knows what it did before.
        used_ns = cpu_ns < elapsed_ns ? cpu_ns : elapsed_ns;
    }
    due->seen_cpu_ns = cpu_ns;
    return used_ns;
}

static void add_native(struct look *look, struct lg_g *g, int64_t cpu_ns)
{
    if (look->nnatives == NATIVES_MAX || (!g && cpu_ns == 0)) {
        return;
    }
    lg_profile_sample *sample = &look->natives[look->nnatives++];
    *sample = (lg_profile_sample){
        .kind = LG_PROFILE_RAN,
        .count = 1,
        .cpu_ns = cpu_ns,
        .wall_ns = g && !is_system(g) ? look->elapsed_ns : 0,
    };
    if (g) {
        fill(sample, g);
    }
}

// Under the world's lock, by which neither the thread nor its record ends.
static void look_at(struct lg_runtime *rt, struct look *look, struct m *m,
                    bool is_blocked)
{
    // acquire: pairs with the release in lg__m_set_g(); records stay
    struct lg_g *g = __atomic_load_n(&m->g, __ATOMIC_ACQUIRE);
    int64_t cpu_ns = used_ns(&rt->profile, m, look->elapsed_ns);
    // relaxed: as in lg__g_new()
    if (!g || !__atomic_load_n(&g->strand, __ATOMIC_RELAXED)) {
        add_native(look, g, cpu_ns);
        return;
    }
    // relaxed: sums, which the M takes; the count last
    atomic_fetch_add_explicit(&m->due.cpu_ns, cpu_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->due.wall_ns, look->elapsed_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->due.count, 1, memory_order_relaxed);
    if (m->suspendable.is_able && !is_blocked) {
        lg__suspend_ask(m->thread_handle);
    }
}

static void look_at_all(struct lg_runtime *rt)
{
    struct look look = {0};
    struct world *w = &rt->world;
    lg__lock(&w->lock, RANK_WORLD);
    int64_t now_ns = lg__clock_now();
    look.elapsed_ns = now_ns - rt->profile.looked_ns;
    rt->profile.looked_ns = now_ns;
    for (struct node *node = w->inside.first; node; node = node->next) {
        look_at(rt, &look, LG_CONTAINER_OF(node, struct m, inside_node), false);
    }
    for (struct node *node = w->blocked.first; node; node = node->next) {
        look_at(rt, &look, LG_CONTAINER_OF(node, struct m, inside_node), true);
    }
    lg__unlock(&w->lock, RANK_WORLD);
    for (int i = 0; i < look.nnatives; i++) {
        tell(rt, &look.natives[i]);
    }
}

// Asks once more where nothing was told yet. False: that was everywhere.
static bool nag(struct lg_runtime *rt)
{
    struct world *w = &rt->world;
    bool is_due = false;
    lg__lock(&w->lock, RANK_WORLD);
    for (struct node *node = w->inside.first; node; node = node->next) {
        struct m *m = LG_CONTAINER_OF(node, struct m, inside_node);
        // relaxed: a guess
        if (atomic_load_explicit(&m->due.count, memory_order_relaxed) > 0 &&
            m->suspendable.is_able) {
            is_due = true;
            lg__suspend_ask(m->thread_handle);
        }
    }
    lg__unlock(&w->lock, RANK_WORLD);
    return is_due;
}

// Sleeps; false: it is over.
static bool sleep_until(struct profile *pr, int64_t moment_ns)
{
    int64_t left_ns = moment_ns - lg__clock_now();
    if (left_ns > 0) {
        lg__note_sleep(&pr->note, left_ns);
    }
    // relaxed: the note orders it
    return !atomic_load_explicit(&pr->must_end, memory_order_relaxed);
}

static void sampler_main(void *arg)
{
    struct lg_runtime *rt = arg;
    struct profile *pr = &rt->profile;
    struct rand rand = {.state = (uint64_t)lg__clock_now()};
    for (int64_t due_ns = lg__clock_now();;) {
        // Not in step with timers of the program's: half a period more or less.
        due_ns += pr->period_ns / 2 + lg__rand_below(&rand, (uint32_t)pr->period_ns);
        if (!sleep_until(pr, due_ns)) {
            return;
        }
        due_ns = lg__clock_now();
        look_at_all(rt);
        for (int i = 0; i < NAGS_MAX; i++) {
            if (!sleep_until(pr, lg__clock_now() + ((int64_t)NAG_AFTER_NS << i))) {
                return;
            }
            if (!nag(rt)) {
                break;
            }
        }
    }
}

// ---------------------------------------------------------------------------
// Waits
// ---------------------------------------------------------------------------

bool lg__profile_choose(struct rand *chance, int64_t wait_ns, lg_profile_sample *sample)
{
    int64_t wall_ns = sample->wall_ns;
    if (wall_ns >= wait_ns) {
        return true;
    }
    if ((int64_t)lg__rand_below(chance, (uint32_t)wait_ns) >= wall_ns) {
        return false;
    }
    // How often it goes into that, rounded up or down by chance.
    sample->count = (wait_ns + lg__rand_below(chance, (uint32_t)wall_ns)) / wall_ns;
    sample->wall_ns = wait_ns;
    return true;
}

static uint64_t now(const struct profile *pr)
{
    return lg__ticks(pr->source);
}

// How much of a profile lies between two moments, of which one may not be known.
static int64_t span_ns(const struct profile *pr, uint64_t from, uint64_t to)
{
    // relaxed: a setting
    uint64_t begun_at = atomic_load_explicit(&pr->begun_at, memory_order_relaxed);
    return from >= begun_at && to > from
               ? (int64_t)((double)(to - from) * pr->ns_per_tick)
               : 0;
}

static void tell_span(struct lg_runtime *rt, struct lg_g *g, lg_profile_kind kind,
                      uint64_t from, uint64_t to)
{
    lg_profile_sample sample = {.kind = kind, .count = 1};
    struct rand chance = {.state = to ^ lg__g_id(g) << 32};
    // relaxed: a setting
    int64_t wait_ns = atomic_load_explicit(&rt->profile.wait_ns, memory_order_relaxed);
    sample.wall_ns = span_ns(&rt->profile, from, to);
    if (sample.wall_ns > 0 && lg__profile_choose(&chance, wait_ns, &sample)) {
        // relaxed: its own
        const char *reason = atomic_load_explicit(&g->wait_reason, memory_order_relaxed);
        sample.wait_reason = kind == LG_PROFILE_WAITED ? reason : NULL;
        fill(&sample, g);
        tell(rt, &sample);
    }
}

static void set_moments(struct lg_g *g, uint64_t parked_at, uint64_t ready_at)
{
    // relaxed: who makes it ready and who runs it come after each other; and for figures
    atomic_store_explicit(&g->parked_at, parked_at, memory_order_relaxed);
    atomic_store_explicit(&g->ready_at, ready_at, memory_order_relaxed);
}

static void on_run(struct lg_runtime *rt, struct lg_g *g)
{
    // relaxed: as in set_moments()
    uint64_t parked_at = atomic_load_explicit(&g->parked_at, memory_order_relaxed);
    uint64_t ready_at = atomic_load_explicit(&g->ready_at, memory_order_relaxed);
    set_moments(g, 0, 0);
    if (!is_system(g)) {
        tell_span(rt, g, LG_PROFILE_WAITED, parked_at, ready_at);
        tell_span(rt, g, LG_PROFILE_QUEUED, ready_at, now(&rt->profile));
    }
}

void lg__profile_event(struct lg_runtime *rt, lg_trace_kind kind, struct lg_g *g)
{
    const struct profile *pr = &rt->profile;
    struct m *m = lg__m();
    // acquire: pairs with the release in lg_profile_start(); the rest is there
    if (!g || !m || atomic_load_explicit(&pr->use, memory_order_acquire) != USE_ON) {
        return;
    }
    bool is_leaving =
        kind == LG_TRACE_PARK || kind == LG_TRACE_YIELD || kind == LG_TRACE_END;
    if (is_leaving && g->strand) {
        tell_due(m, g, kind == LG_TRACE_END);
    }
    switch (kind) {
    case LG_TRACE_PARK: set_moments(g, now(pr), 0); break;
    case LG_TRACE_END: set_moments(g, 0, 0); break;
    case LG_TRACE_START:
    case LG_TRACE_YIELD: set_moments(g, 0, now(pr)); break;
    case LG_TRACE_READY:
        // relaxed: as in set_moments(). A yield was ready all the time
        if (atomic_load_explicit(&g->parked_at, memory_order_relaxed) != 0) {
            atomic_store_explicit(&g->ready_at, now(pr), memory_order_relaxed);
        }
        break;
    case LG_TRACE_RUN: on_run(rt, g); break;
    default: break;
    }
}

// It has waited since it parked, or since the profile began.
static void tell_waiting(struct lg_runtime *rt, struct lg_g *g, const lg_strand *strand)
{
    // relaxed: it waits, and nobody else is at it
    lg_strand *own = __atomic_load_n(&g->strand, __ATOMIC_RELAXED);
    uint64_t parked_at = atomic_load_explicit(&g->parked_at, memory_order_relaxed);
    uint64_t begun_at = atomic_load_explicit(&rt->profile.begun_at, memory_order_relaxed);
    bool is_asked = own == NULL || strand == NULL || own == strand;
    if (lg__g_id(g) != 0 && is_asked && !is_system(g) && lg__g_status(g) == LG_WAITING) {
        tell_span(rt, g, LG_PROFILE_WAITED, parked_at > begun_at ? parked_at : begun_at,
                  now(&rt->profile));
        set_moments(g, 0, 0);
    }
}

void lg_profile_settle(lg_runtime *rt, const lg_strand *strand)
{
    // acquire: as in lg__profile_event()
    if (atomic_load_explicit(&rt->profile.use, memory_order_acquire) != USE_ON) {
        return;
    }
    struct m *m = lg__m();
    if (m && m->strand && m->strand == strand) {
        look_at_all(rt); // the caller ends the profile, and what it has used counts
        lg_profile_look();
    }
    // acquire: pairs with the release of who adds a chunk
    struct g_chunk *chunk = atomic_load_explicit(&rt->gs.chunks, memory_order_acquire);
    for (; chunk; chunk = chunk->next) {
        for (int i = 0; i < G_CHUNK; i++) {
            tell_waiting(rt, &chunk->gs[i], strand);
        }
    }
}

// ---------------------------------------------------------------------------
// On and off
// ---------------------------------------------------------------------------

// Once: who comes late from one profile into the next may be reading it.
static void find_rate(struct profile *pr)
{
    if (pr->ns_per_tick == 0) {
        pr->source = lg__tick_source();
        pr->ns_per_tick =
            lg__tick_rate(pr->source, lg__tick_moment(pr->source), CALIBRATE_NS);
    }
}

static void begin_session(struct lg_runtime *rt)
{
    struct profile *pr = &rt->profile;
    lg__lock(&rt->world.lock, RANK_WORLD); // somebody may be looking, from the last one
    pr->looked_ns = lg__clock_now();
    // relaxed: as the declaration says
    atomic_fetch_add_explicit(&pr->session, 1, memory_order_relaxed);
    atomic_store_explicit(&pr->begun_at, now(pr), memory_order_relaxed);
    lg__unlock(&rt->world.lock, RANK_WORLD);
}

int lg_profile_start(lg_runtime *rt, int hz, int64_t wait_ns,
                     void (*write)(void *ud, const lg_profile_sample *sample), void *ud)
{
    struct profile *pr = &rt->profile;
    if (hz < 1 || hz > HZ_MAX || wait_ns < 1 || wait_ns > NS_PER_S) {
        return LG_EINVAL;
    }
    if (!lg__use_move(&pr->use, USE_OFF, USE_TAKEN)) {
        return LG_EBUSY;
    }
    pr->write = write;
    pr->ud = ud;
    pr->period_ns = NS_PER_S / hz;
    find_rate(pr);
    begin_session(rt);
    // relaxed: as the declaration says; and the sampler comes after it
    atomic_store_explicit(&pr->wait_ns, wait_ns, memory_order_relaxed);
    atomic_store_explicit(&pr->must_end, false, memory_order_relaxed);
    int err = lg__thread_start(sampler_main, rt, "lagoon-sampler", NULL, &pr->sampler);
    if (err) {
        lg__use_move(&pr->use, USE_TAKEN, USE_OFF);
        return err;
    }
    // relaxed: who sees it late misses the first waits. Once it is on somebody may stop it
    atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_PROFILE, memory_order_relaxed);
    lg__use_move(&pr->use, USE_TAKEN, USE_ON);
    return LG_OK;
}

void *lg_profile_stop(lg_runtime *rt)
{
    struct profile *pr = &rt->profile;
    if (!lg__use_move(&pr->use, USE_ON, USE_TAKEN)) {
        return NULL;
    }
    // relaxed: what is used tells
    atomic_fetch_and_explicit(&rt->interrupts, ~(uint32_t)INTERRUPT_PROFILE,
                              memory_order_relaxed);
    // relaxed: the note orders it
    atomic_store_explicit(&pr->must_end, true, memory_order_relaxed);
    lg__note_wake(&pr->note);
    lg__thread_join(pr->sampler);
    // seq_cst: see above; acquire: pairs with the release in tell()
    while (atomic_load_explicit(&pr->nwriting, memory_order_seq_cst) > 0) {
        lg__world_pause();
    }
    void *ended = pr->ud;
    lg__use_move(&pr->use, USE_TAKEN, USE_OFF);
    return ended;
}
