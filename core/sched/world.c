// SPDX-License-Identifier: MIT
#include "sched/world.h"

#include "os/cpu.h"
#include "os/futex.h"
#include "sched/preempt.h"
#include "sched/profile.h"
#include "sched/watchdog.h"

// How long a stopped M spins before it sleeps: a futex wake costs 50 us.
enum { STOPPED_SPINS = 1000 };

// ---------------------------------------------------------------------------
// Those who are stopped
// ---------------------------------------------------------------------------

// One M less runs, in this turn. If the stopper has begun another one meanwhile, the
// M is counted there.
static void count_down(struct lg_runtime *rt, uint32_t turn)
{
    struct world *w = &rt->world;
    // relaxed: the CAS tells
    uint32_t seen = atomic_load_explicit(&w->running, memory_order_relaxed);
    do {
        if (lg__running_turn(seen) != lg__running_turn(lg__running(turn, 0))) {
            return;
        }
        LG_ASSERT(lg__running_count(seen));
        // release: pairs with the acquire in nrunning(): the stopper sees all that
        // we did. seq_cst: either we see that it sleeps, or it that the count is 0
    } while (!atomic_compare_exchange_weak_explicit(
        &w->running, &seen, seen - 1, memory_order_seq_cst, memory_order_relaxed));
    if (lg__running_count(seen) == 1 &&
        atomic_load_explicit(&w->is_stopper_asleep, memory_order_seq_cst)) {
        lg__futex_wake(&w->running);
    }
}

// Waits until the world's turn is another.
static void await_turn(struct lg_runtime *rt, uint32_t turn)
{
    struct world *w = &rt->world;
    // acquire: pairs with the release in lg__world_start(); what was done while
    // the world was stopped is visible
    for (int i = 0; i < STOPPED_SPINS; i++) {
        if (atomic_load_explicit(&w->turn, memory_order_acquire) != turn) {
            return;
        }
        lg__cpu_pause();
    }
    while (atomic_load_explicit(&w->turn, memory_order_acquire) == turn) {
        lg__futex_wait(&w->turn, turn, -1);
    }
}

// Counts the M down and waits for the world's next turn. Its stack from `sp` up is
// complete.
static void stay(struct m *m, const void *sp, const struct interruption *at)
{
    struct lg_runtime *rt = m->rt;
    m->stopped_sp = sp;
    m->interruption = at;
    // acquire: pairs with the release in set_turn(): `running` is of this turn or of
    // a later one. Not counted down yet, we are waited for
    uint32_t turn = atomic_load_explicit(&rt->world.turn, memory_order_acquire);
    if (turn & 1U) {
        // relaxed: published by count_down(); the signaller only wants a hint
        atomic_store_explicit(&m->stopped_at, turn, memory_order_relaxed);
        count_down(rt, turn);
        await_turn(rt, turn);
    }
}

// In a frame of its own, below which nothing is that a caller needs.
static LG_NOINLINE void stay_here(struct m *m)
{
    while (lg__world_is_wanted(m->rt)) {
        stay(m, __builtin_frame_address(0), NULL);
    }
}

LG_NOINLINE void lg__world_checkpoint_slow(struct m *m)
{
    if (m->is_stopper) {
        return;
    }
    lg__lockrank_assert_none();
    __builtin_unwind_init(); // registers that callers may want, onto this frame
    lg__nostop_enter();      // or it might be stopped a second time
    stay_here(m);
    lg__nostop_leave();
}

void lg__world_pause(void)
{
    struct m *m = lg__m();
    if (m) {
        lg__world_checkpoint(m);
    }
    lg__cpu_pause();
}

void lg_checkpoint(void)
{
    struct m *m = lg__m();
    if (m && m->nblocks == 0) {
        lg__world_checkpoint(m);
        lg__preempt_point();
    }
}

// ---------------------------------------------------------------------------
// By signal
// ---------------------------------------------------------------------------

// Whether the M may stay where it was interrupted. That it runs on the stack of its
// goroutine, with nothing left to be done from the last switch, says that it is in
// no scheduling decision; in the loop it may only be while it waits for a lock whose
// holder may be suspended (in a timer's function, say). The rest says that nobody
// waits for what it is doing. docs/decisions/stop_by_signal.md has the reasons.
static bool may_stop_here(struct m *m, const struct interruption *at)
{
    struct lg_g *g = m->g;
    if ((!g && !lg__nostop_is_waiting()) || m->after != AFTER_NOTHING || m->is_stopper ||
        !lg__nostop_is_clear() || lg__nostop_has(at->pc)) {
        return false;
    }
    const struct stack *stack = g && !g->strand ? g->stack : m->loop_stack;
    const char *sp = at->sp;
    return stack && sp >= stack->low && sp < (const char *)stack;
}

// The stopper may have let the suspended go for a while, so that they open locks of the
// host's; what sysmon asks of them meanwhile must not keep them.
static bool is_to_be_suspended(struct lg_runtime *rt)
{
    // relaxed: as in stopper.c:set_lenient()
    return lg__world_is_wanted(rt) &&
           !atomic_load_explicit(&rt->world.is_lenient, memory_order_relaxed);
}

// In a signal handler.
static void on_interruption(const struct interruption *at)
{
    struct m *m = lg__m();
    if (!m || m->nblocks > 0) {
        return; // it may be outside
    }
    if (is_to_be_suspended(m->rt) && may_stop_here(m, at)) {
        stay(m, at->sp, at); // for one turn: it may have been let go
    }
    lg__preempt_on_signal(m, at);
    lg__profile_on_signal(m, at);
    lg__watchdog_on_signal(m, at);
}

// The thread sanitizer keeps signals back until the thread calls something of its
// own: there they would stop nobody.
void lg__world_use_signals(void)
{
#ifndef LG_TSAN
    lg__suspend_install(on_interruption);
#else
    (void)on_interruption;
#endif
}

bool lg__world_has_signals(const struct lg_runtime *rt)
{
#ifndef LG_TSAN
    return rt->options.signals;
#else
    (void)rt;
    return false;
#endif
}

// ---------------------------------------------------------------------------
// Inside and outside
// ---------------------------------------------------------------------------

void lg__world_enter(struct lg_runtime *rt, struct m *m)
{
    struct world *w = &rt->world;
    lg__lock(&w->lock, RANK_WORLD);
    for (;;) {
        // relaxed: changed under the lock
        uint32_t turn = atomic_load_explicit(&w->turn, memory_order_relaxed);
        if (!(turn & 1U)) {
            break;
        }
        lg__unlock(&w->lock, RANK_WORLD);
        await_turn(rt, turn);
        lg__lock(&w->lock, RANK_WORLD);
    }
    LG_ASSERT(!m->is_inside);
    if (m->is_blocked) {
        m->is_blocked = false;
        lg__list_remove(&w->blocked, &m->inside_node);
    }
    m->is_inside = true;
    lg__list_push_back(&w->inside, &m->inside_node);
    w->ninside++;
    lg__unlock(&w->lock, RANK_WORLD);
}

static void take_out_locked(struct world *w, struct m *m) LG_REQUIRES(w->lock)
{
    LG_ASSERT(m->is_inside);
    m->is_inside = false;
    lg__list_remove(&w->inside, &m->inside_node);
    w->ninside--;
}

// Somebody stops the world perhaps, and has counted the M; it has not stopped, or it
// would not leave. Last: then the stopper may look at the lists without the lock.
static void count_out_locked(struct lg_runtime *rt) LG_REQUIRES(rt->world.lock)
{
    // relaxed: changed under the lock
    uint32_t turn = atomic_load_explicit(&rt->world.turn, memory_order_relaxed);
    if (turn & 1U) {
        count_down(rt, turn);
    }
}

void lg__world_leave(struct lg_runtime *rt, struct m *m)
{
    lg__lock(&rt->world.lock, RANK_WORLD);
    take_out_locked(&rt->world, m);
    count_out_locked(rt);
    lg__unlock(&rt->world.lock, RANK_WORLD);
}

void lg__world_leave_blocked_locked(struct lg_runtime *rt, struct m *m)
{
    take_out_locked(&rt->world, m);
    m->is_blocked = true;
    lg__list_push_back(&rt->world.blocked, &m->inside_node);
    count_out_locked(rt);
}

void lg__world_leave_blocked(struct lg_runtime *rt, struct m *m)
{
    lg__lock(&rt->world.lock, RANK_WORLD);
    lg__world_leave_blocked_locked(rt, m);
    lg__unlock(&rt->world.lock, RANK_WORLD);
}
