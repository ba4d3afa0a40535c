// SPDX-License-Identifier: MIT
#include "sched/scan.h"

#include "os/cpu.h"
#include "os/futex.h"
#include "sched/world.h"

enum {
    // Waiting for who scans a stack: it takes microseconds, unless it has lost
    // its CPU.
    BUSY_SPINS = 1000,
    BUSY_SLEEP_NS = 20 * 1000,
};

// ---------------------------------------------------------------------------
// One goroutine
// ---------------------------------------------------------------------------

// Visits a stack from sp up. A stack that is being freed meanwhile (its strand is
// closed) is memory all the same, but what is left of the record may be anything.
static void visit_stack(struct lg_runtime *rt, struct stack *stack, const void *sp)
{
    struct scan *scan = &rt->scan;
    uintptr_t lo = (uintptr_t)sp & ~(uintptr_t)(sizeof(void *) - 1);
    uintptr_t hi = (uintptr_t)lg__stack_top(stack);
    if (lo < (uintptr_t)stack->low || lo >= hi) {
        return;
    }
    // relaxed: a figure
    atomic_fetch_add_explicit(&scan->nbytes, hi - lo, memory_order_relaxed);
    scan->visit(scan->ud, (const void *)lo, (const void *)hi);
}

// What is not on a stack.
static void visit_record(struct lg_runtime *rt, struct lg_g *g)
{
    struct scan *scan = &rt->scan;
    // relaxed: as in lg__g_new()
    if (__atomic_load_n(&g->strand, __ATOMIC_RELAXED)) {
        scan->visit(scan->ud, g->extra, g->extra + sizeof g->extra);
    } else {
        scan->visit(scan->ud, &g->arg, &g->arg + 1);
    }
}

// One that does not run.
static void visit_parked(struct lg_runtime *rt, struct lg_g *g)
{
    if (g->is_collector) {
        return;
    }
    struct stack *stack = g->stack;
    if (stack) {
        visit_stack(rt, stack, g->ctx.sp);
    }
    visit_record(rt, g);
}

static uint32_t cycle_of(struct lg_runtime *rt)
{
    // relaxed: changed while the world is stopped; threads outside only close
    // strands
    return atomic_load_explicit(&rt->scan.cycle, memory_order_relaxed);
}

enum claim { CLAIM_OURS, CLAIM_DONE, CLAIM_BUSY };

static enum claim claim(struct lg_runtime *rt, struct lg_g *g)
{
    uint32_t cycle = cycle_of(rt);
    // acquire: pairs with the release in set_scanned(); who runs it next may
    // change its stack
    uint32_t seen = atomic_load_explicit(&g->scan, memory_order_acquire);
    do {
        if ((seen & ~(uint32_t)SCAN_BUSY) == cycle) {
            return seen & SCAN_BUSY ? CLAIM_BUSY : CLAIM_DONE;
        }
        // acquire: as above. Its stack is as it was before the world was stopped
    } while (!atomic_compare_exchange_weak_explicit(
        &g->scan, &seen, cycle | SCAN_BUSY, memory_order_acquire, memory_order_acquire));
    return CLAIM_OURS;
}

static void set_scanned(struct lg_runtime *rt, struct lg_g *g)
{
    // release: pairs with the acquire in claim()
    atomic_store_explicit(&g->scan, cycle_of(rt), memory_order_release);
}

// Waits while another scans it. Not for long: who scans is not suspended.
static void await_scanned(struct lg_runtime *rt, struct lg_g *g)
{
    uint32_t busy = cycle_of(rt) | SCAN_BUSY;
    // acquire: as in claim()
    for (int i = 0; atomic_load_explicit(&g->scan, memory_order_acquire) == busy; i++) {
        if (i < BUSY_SPINS) {
            lg__cpu_pause();
        } else {
            lg__futex_wait(&g->scan, busy, BUSY_SLEEP_NS);
        }
    }
}

static void enter_active(struct lg_runtime *rt)
{
    // Before the claim, or the cursor: who sees nothing left to take sees this,
    // until it is done. acquire: the claim comes after; see lg__scan_is_done()
    atomic_fetch_add_explicit(&rt->scan.nactive, 1, memory_order_acq_rel);
}

static void leave_active(struct lg_runtime *rt)
{
    // release: pairs with the acquire in lg__scan_is_done()
    atomic_fetch_sub_explicit(&rt->scan.nactive, 1, memory_order_acq_rel);
}

// In one go: else the world might be stopped in between, and the interrupt be of
// the next cycle.
static void lose_interest(struct lg_runtime *rt)
{
    lg__nostop_enter();
    if (lg__scan_is_done(rt)) {
        // release: pairs with the acquire in lg__interrupts(); who runs a goroutine
        // without asking may change the stack that was visited
        atomic_fetch_and_explicit(&rt->interrupts, ~(uint32_t)INTERRUPT_SCAN,
                                  memory_order_release);
    }
    lg__nostop_leave();
}

void lg__scan_before_run_slow(struct lg_runtime *rt, struct lg_g *g)
{
    enter_active(rt);
    switch (claim(rt, g)) {
    case CLAIM_OURS:
        visit_parked(rt, g);
        set_scanned(rt, g);
        break;
    case CLAIM_BUSY: await_scanned(rt, g); break;
    case CLAIM_DONE:
        // It may be the record's second goroutine in this cycle, or a scripted one
        // whose area was filled after a marker had come by.
        if (g->strand ? !g->has_wait : !g->stack) {
            visit_record(rt, g);
        }
        break;
    }
    leave_active(rt);
}

void lg__scan_forget_slow(struct lg_runtime *rt, struct lg_g *g)
{
    lg__nostop_enter();
    switch (claim(rt, g)) {
    case CLAIM_OURS: set_scanned(rt, g); break;
    case CLAIM_BUSY: await_scanned(rt, g); break;
    case CLAIM_DONE: break;
    }
    lg__nostop_leave();
}

// ---------------------------------------------------------------------------
// All of them
// ---------------------------------------------------------------------------

// Takes the next chunk of records.
static struct g_chunk *take_chunk(struct lg_runtime *rt)
{
    // acquire: pairs with the release in lg__scan_begin(), and with the others'
    // CAS: is_done() sees their claims
    struct g_chunk *chunk = atomic_load_explicit(&rt->scan.cursor, memory_order_acquire);
    while (chunk && !atomic_compare_exchange_weak_explicit(
                        &rt->scan.cursor, &chunk, chunk->next, memory_order_acq_rel,
                        memory_order_acquire)) {
    }
    return chunk;
}

static void scan_chunk(struct lg_runtime *rt, struct g_chunk *chunk)
{
    for (int i = 0; i < G_CHUNK; i++) {
        struct lg_g *g = &chunk->gs[i];
        if (lg__g_id(g) == 0) {
            continue;
        }
        // Whoever waits for a claimed one must not wait for a suspended M.
        lg__nostop_enter();
        if (claim(rt, g) == CLAIM_OURS) {
            visit_parked(rt, g);
            set_scanned(rt, g);
        }
        lg__nostop_leave();
    }
}

bool lg__scan_some(struct lg_runtime *rt)
{
    enter_active(rt);
    struct g_chunk *chunk = take_chunk(rt);
    if (chunk) {
        scan_chunk(rt, chunk);
    }
    leave_active(rt);
    if (!chunk && lg__scan_is_on(rt)) {
        lose_interest(rt);
    }
    return chunk != NULL;
}

bool lg__scan_is_done(struct lg_runtime *rt)
{
    // acquire: pairs with take_chunk(): who has taken one, or claimed a goroutine
    // of one, had counted itself before. In this order
    return !atomic_load_explicit(&rt->scan.cursor, memory_order_acquire) &&
           // acquire: pairs with leave_active(); what was visited is visible
           atomic_load_explicit(&rt->scan.nactive, memory_order_acquire) == 0;
}

size_t lg__scan_bytes(struct lg_runtime *rt)
{
    // relaxed: a figure
    return atomic_load_explicit(&rt->scan.nbytes, memory_order_relaxed);
}

// What an M that is stopped, or the stopper's, runs at this moment. In the loop
// there may be frames too: of a timer's function, of something posted to a
// strand.
static void visit_running(struct lg_runtime *rt, struct m *m)
{
    struct lg_g *g = m->g;
    bool is_native = g && !g->strand;
    if (is_native && g->is_collector) {
        set_scanned(rt, g);
        return;
    }
    struct stack *stack = is_native ? g->stack : m->loop_stack;
    visit_stack(rt, stack, m->stopped_sp);
    if (m->interruption) {
        lg__interruption_visit(m->interruption, rt->scan.visit, rt->scan.ud);
    }
    if (!g) {
        return;
    }
    if (!is_native && g->stack) { // it is about to go back to a stack that it kept
        visit_stack(rt, g->stack, g->ctx.sp);
    }
    visit_record(rt, g);
    set_scanned(rt, g);
}

// In a frame of its own: the caller's registers lie above.
static LG_NOINLINE void visit_all_running(struct lg_runtime *rt)
{
    struct m *self = lg__m();
    self->stopped_sp = __builtin_frame_address(0);
    self->interruption = NULL;
    // Nobody goes in or out while the world is stopped.
    for (struct node *node = rt->world.inside.first; node; node = node->next) {
        visit_running(rt, LG_CONTAINER_OF(node, struct m, inside_node));
    }
    for (struct node *node = rt->world.blocked.first; node; node = node->next) {
        struct m *m = LG_CONTAINER_OF(node, struct m, inside_node);
        visit_running(rt, m);
        struct registers *r = &m->blocked_registers;
        rt->scan.visit(rt->scan.ud, r, r + 1);
    }
}

LG_NOINLINE void lg__scan_begin(struct lg_runtime *rt, scan_range *visit, void *ud)
{
    struct scan *scan = &rt->scan;
    LG_ASSERT(lg__world_is_stopped(rt));
    LG_ASSERT(!scan->visit);
    __builtin_unwind_init(); // registers that callers may want, onto this frame
    scan->visit = visit;
    scan->ud = ud;
    uint32_t cycle = cycle_of(rt) + 2;
    // relaxed: nobody else runs
    atomic_store_explicit(&scan->cycle, cycle ? cycle : 2, memory_order_relaxed);
    atomic_store_explicit(&scan->nbytes, 0, memory_order_relaxed);
    visit_all_running(rt);
    // acquire: pairs with the release in g.c:add_chunk_locked(); threads outside
    // may start goroutines at this moment
    struct g_chunk *chunks = atomic_load_explicit(&rt->gs.chunks, memory_order_acquire);
    // release: pairs with the acquire in take_chunk()
    atomic_store_explicit(&scan->cursor, chunks, memory_order_release);
    // release: pairs with the acquire in lg__interrupts()
    atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_SCAN, memory_order_release);
}

void lg__scan_end(struct lg_runtime *rt)
{
    LG_ASSERT(lg__world_is_stopped(rt));
    LG_ASSERT(lg__scan_is_done(rt));
    // relaxed: nobody else runs
    atomic_fetch_and_explicit(&rt->interrupts, ~(uint32_t)INTERRUPT_SCAN,
                              memory_order_relaxed);
    rt->scan.visit = NULL;
}
