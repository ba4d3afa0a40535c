// SPDX-License-Identifier: MIT
//
// The life of a goroutine, from its record's first use to its last.
#include "sched/drive.h"
#include "sched/host.h"
#include "sched/order.h"
#include "sched/park.h"
#include "sched/runtime.h"
#include "sched/scan.h"
#include "sched/sched.h"
#include "sched/tracepoint.h"
#include "sched/wire.h"
#include "sched/world.h"

static struct p *own_p(struct lg_runtime *rt)
{
    struct m *m = lg__m();
    return m && m->rt == rt ? m->p : NULL;
}

void lg__trace_start(struct lg_g *g)
{
    // relaxed: for dumps
    lg__trace(g->rt, LG_TRACE_START, g,
              atomic_load_explicit(&g->parent, memory_order_relaxed), NULL);
}

struct lg_g *lg__g_start(struct lg_runtime *rt, const char *name, bool is_beside)
{
    struct p *p = own_p(rt);
    uint64_t id = is_beside ? lg__order_beside_id(rt) : 0;
    struct lg_g *g = lg__g_new(rt, p ? &p->gs : NULL, id);
    if (!g) {
        return NULL;
    }
    struct m *m = lg__m();
    lg__g_set_name(g, name);
    // relaxed: for dumps
    atomic_store_explicit(&g->parent, p && m->g ? lg__g_id(m->g) : 0,
                          memory_order_relaxed);
    if (p) {
        lg__p_count(&p->nstarted);
    } else {
        // relaxed: a figure
        atomic_fetch_add_explicit(&rt->nstarted, 1, memory_order_relaxed);
    }
    return g;
}

int lg__go_new(struct lg_runtime *rt, void (*fn)(void *arg), void *arg,
               const lg_go_options *opts, struct lg_g **out)
{
    uint32_t stack_class = rt->stacks.usual_class;
    if (opts && opts->stack_size_bytes > 0) {
        if (opts->stack_size_bytes > LG_STACK_MAX) {
            return LG_EINVAL;
        }
        stack_class = lg__stack_class_of(opts->stack_size_bytes);
    }
    bool is_beside = lg__order_starts_beside(rt);
    bool is_pinned = opts && opts->pinned && !lg__order_is_kept(rt);
    int err = is_pinned ? lg__host_open(rt) : LG_OK;
    if (err) {
        return err;
    }
    struct lg_g *g = lg__g_start(rt, opts ? opts->name : NULL, is_beside);
    if (!g) {
        return LG_ENOMEM;
    }
    g->run.kind = RUNNABLE_G;
    g->run.pins = is_pinned ? PIN_FIXED : 0;
    g->run.is_beside = is_beside;
    g->fn = fn;
    g->arg = arg;
    g->stack_class = (uint8_t)stack_class;
    lg__trace_start(g);
    *out = g;
    return LG_OK;
}

int lg_go(lg_runtime *rt, void (*fn)(void *arg), void *arg, const lg_go_options *opts,
          lg_ref *out)
{
    struct lg_g *g;
    int err = lg__go_new(rt, fn, arg, opts, &g);
    if (err) {
        return err;
    }
    if (out) {
        *out = (lg_ref){.g = g, .id = lg__g_id(g)};
    }
    lg__sched_push(rt, &g->run);
    return LG_OK;
}

int lg__go_system(struct lg_runtime *rt, enum system_kind kind, void (*fn)(void *arg),
                  void *arg, const char *name)
{
    struct p *p = own_p(rt);
    bool is_beside = lg__order_is_kept(rt);
    uint64_t id = is_beside ? lg__order_beside_id(rt) : 0;
    struct lg_g *g = lg__g_new(rt, p ? &p->gs : NULL, id);
    if (!g) {
        return LG_ENOMEM;
    }
    // relaxed: for dumps
    atomic_store_explicit(&g->is_system, true, memory_order_relaxed);
    g->is_collector = kind == SYSTEM_COLLECTOR;
    lg__g_set_name(g, name);
    atomic_store_explicit(&g->parent, 0, memory_order_relaxed);
    g->run.kind = RUNNABLE_G;
    g->run.pins = 0;
    g->run.is_beside = is_beside;
    g->fn = fn;
    g->arg = arg;
    // Not of the usual size: it lives for ever, and on a stack that others have used
    // their words would shine through its frames and keep objects alive.
    uint32_t usual = rt->stacks.usual_class;
    g->stack_class = (uint8_t)(usual + 1 < STACK_CLASSES ? usual + 1 : usual);
    lg__sched_push(rt, &g->run);
    return LG_OK;
}

int lg_yield(void)
{
    struct lg_g *g = lg__g_self();
    struct m *m = lg__m();
    if (g->strand) {
        // A wait that is over at once: the strand puts it behind the others.
        lg__wait_begin_uncancelable(g);
        lg__wait_withdraw(g);
        return lg__wait_for(g, NULL, LG_NEVER, NULL);
    }
    struct p *p = m->p;
    // relaxed: a peek at what others may add at any moment
    bool is_alone = !atomic_load_explicit(&p->runnext, memory_order_relaxed) &&
                    atomic_load_explicit(&p->runq.head, memory_order_relaxed) ==
                        atomic_load_explicit(&p->runq.tail, memory_order_relaxed) &&
                    atomic_load_explicit(&m->rt->nglobal, memory_order_relaxed) == 0;
    if (is_alone && !g->run.pins && !m->update && !lg__interrupts(m->rt) &&
        !lg__preempt_is_wanted(m) && lg__timers_next(&p->timers) == LG_NEVER &&
        p->nshort_yields++ < P_SHORT_YIELDS_MAX) {
        return LG_OK;
    }
    p->nshort_yields = 0;
    lg__sched_switch(m, AFTER_YIELD);
    return LG_OK;
}

static void g_entry(void *carried)
{
    struct m *m = carried;
    lg__ctx_entered();
    lg__m_after_switch(m);
    struct lg_g *g = m->g;
    g->fn(g->arg);
    lg__sched_switch(lg__m(), AFTER_EXIT);
    __builtin_unreachable();
}

void lg__sched_give_stack(struct lg_g *g, struct stack *stack)
{
    // relaxed: its own, and a figure
    if (LG_UNLIKELY(atomic_load_explicit(&g->is_system, memory_order_relaxed))) {
        atomic_fetch_add_explicit(&g->rt->nsystem_stacks, 1, memory_order_relaxed);
    }
    g->stack = stack;
    lg__ctx_make(&g->ctx, stack->low, lg__stack_top(stack), g_entry);
}

bool lg__sched_take_stack(struct m *m, struct lg_g *g)
{
    struct stack *stack = lg__stack_get(&m->rt->stacks, &m->p->stacks, g->stack_class);
    if (LG_UNLIKELY(!stack)) {
        return false;
    }
    lg__sched_give_stack(g, stack);
    return true;
}

void lg__sched_give_way(void)
{
    struct m *m = lg__m();
    LG_ASSERT(lg__order_is_kept(m->rt) && m->g && !m->g->strand);
    lg__sched_switch(m, AFTER_GIVE_WAY);
}

void lg__g_end(struct lg_g *g)
{
    struct lg_runtime *rt = g->rt;
    struct p *p = own_p(rt);
    uint64_t id = lg__g_id(g);
    lg__trace(rt, LG_TRACE_END, g, 0, NULL);
    lg__wire_end(g);
    lg__clock_leave(g);
    // relaxed: written before it ran
    bool is_system = atomic_load_explicit(&g->is_system, memory_order_relaxed);
    lg__g_free(rt, p ? &p->gs : NULL, g);
    if (is_system) {
        // relaxed: a figure
        atomic_fetch_sub_explicit(&rt->nsystem_stacks, 1, memory_order_relaxed);
        return;
    }
    if (p) {
        lg__p_count(&p->nended);
    } else {
        // release: as in lg__p_count()
        atomic_fetch_add_explicit(&rt->nended, 1, memory_order_release);
    }
    // relaxed: a driver that waits for this id set it before it ran anything
    if (LG_UNLIKELY(id == atomic_load_explicit(&rt->drive_id, memory_order_relaxed))) {
        lg__drive_done(rt);
    }
}

void lg__g_drop(struct lg_g *g)
{
    if (g->has_wait) {
        if (lg__wait_claim(&g->wait, lg__wait_number(&g->wait), WAKE_DROP, 0)) {
            lg__wait_deliver(&g->wait);
        }
        while (!lg__wait_is_fired(&g->wait)) {
            lg__world_pause(); // somebody else has claimed it and is about to
        }
        g->is_dropped = true;
        lg__wait_settle(g);
        g->is_dropped = false;
    }
    lg__scan_forget(g->rt, g);
    if (g->stack) {
        lg__ctx_free(&g->ctx);
        lg__stack_put(&g->rt->stacks, NULL, g->stack);
        g->stack = NULL;
    }
    lg__g_end(g);
}

lg_ref lg_self(void)
{
    struct m *m = lg__m();
    if (!m || !m->g) {
        return (lg_ref){.g = NULL, .id = 0};
    }
    return (lg_ref){.g = m->g, .id = lg__g_id(m->g)};
}

void lg_set_name(const char *name)
{
    struct lg_g *g = lg__g_self();
    lg__g_set_name(g, name);
    lg__timeline_rename(g);
}

size_t lg_num_goroutine(lg_runtime *rt)
{
    // acquire: pairs with the release in lg__p_count(). Ended first, so that the
    // difference is never negative
    uint64_t ended = atomic_load_explicit(&rt->nended, memory_order_acquire);
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        ended += atomic_load_explicit(&lg__p_at(rt, i)->nended, memory_order_acquire);
    }
    uint64_t started = atomic_load_explicit(&rt->nstarted, memory_order_relaxed);
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        started += atomic_load_explicit(&lg__p_at(rt, i)->nstarted, memory_order_relaxed);
    }
    return started > ended ? (size_t)(started - ended) : 0;
}

static void describe(struct lg_g *g, uint64_t id, lg_g_info *info)
{
    // relaxed: a snapshot of something that goes on
    struct lg_strand *strand = __atomic_load_n(&g->strand, __ATOMIC_RELAXED);
    *info = (lg_g_info){
        .ref = {.g = g, .id = id},
        .parent = atomic_load_explicit(&g->parent, memory_order_relaxed),
        .status = lg__g_status(g),
        .strand = strand,
        .extra = strand ? g->extra : NULL,
    };
    lg__g_name(g, info->name);
    if (info->status == LG_WAITING) {
        info->wait_reason = atomic_load_explicit(&g->wait_reason, memory_order_relaxed);
        info->wait_since_ns =
            atomic_load_explicit(&g->wait_since_ns, memory_order_relaxed);
    }
}

// Those of the runtime's own, or all others.
static void visit_all(lg_runtime *rt, bool are_system,
                      bool (*visit)(void *ud, const lg_g_info *info), void *ud)
{
    // acquire: pairs with the release in g.c:add_chunk_locked()
    struct g_chunk *chunk = atomic_load_explicit(&rt->gs.chunks, memory_order_acquire);
    for (; chunk; chunk = chunk->next) {
        for (int i = 0; i < G_CHUNK; i++) {
            struct lg_g *g = &chunk->gs[i];
            uint64_t id = lg__g_id(g);
            // relaxed: for dumps. A record in its next life has another number
            bool is_system = atomic_load_explicit(&g->is_system, memory_order_relaxed);
            if (id == 0 || is_system != are_system) {
                continue;
            }
            lg_g_info info;
            describe(g, id, &info);
            if (!visit(ud, &info)) {
                return;
            }
        }
    }
}

void lg_goroutines(lg_runtime *rt, bool (*visit)(void *ud, const lg_g_info *info),
                   void *ud)
{
    visit_all(rt, false, visit, ud);
}

void lg_system_goroutines(lg_runtime *rt, bool (*visit)(void *ud, const lg_g_info *info),
                          void *ud)
{
    visit_all(rt, true, visit, ud);
}

int lg_get_info(lg_ref ref, lg_g_info *out)
{
    if (ref.id == 0 || lg__g_id(ref.g) != ref.id) {
        return LG_ESRCH;
    }
    describe(ref.g, ref.id, out);
    return LG_OK;
}
