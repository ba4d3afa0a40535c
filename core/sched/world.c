// SPDX-License-Identifier: MIT
#include "sched/world.h"

#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/cpu.h"
#include "os/futex.h"

enum {
    PAUSES_PER_LOOK = 16,
    // A stop takes a few us if nobody computes. So long the stopper spins: a
    // futex wake costs 50 us.
    SPIN_NS = 100 * 1000,
    SLEEP_NS = 100 * 1000,
    // When the first signal is sent to those that have not stopped, and how
    // often it is tried again.
    SIGNAL_AFTER_NS = 10 * 1000,
    SIGNAL_EVERY_NS = 50 * 1000,
    // When it is worth a line.
    LONG_NS = 10 * 1000 * 1000,
    // How long a stopped M spins before it sleeps, for the same reason.
    STOPPED_SPINS = 1000,
};

// ---------------------------------------------------------------------------
// Those who are stopped
// ---------------------------------------------------------------------------

static void count_down(struct lg_runtime *rt)
{
    struct world *w = &rt->world;
    // release: pairs with the acquire in nrunning(): the stopper sees all that
    // we did. seq_cst: either we see that it sleeps, or it that the count is 0
    if (atomic_fetch_sub_explicit(&w->nrunning, 1, memory_order_seq_cst) == 1 &&
        atomic_load_explicit(&w->is_stopper_asleep, memory_order_seq_cst)) {
        lg__futex_wake(&w->nrunning);
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

// Counts the M down and waits for the start, as often as the world is stopped
// before it gets away. Its stack from `sp` up is complete.
static void stay(struct m *m, const void *sp, const struct interruption *at)
{
    struct lg_runtime *rt = m->rt;
    m->stopped_sp = sp;
    m->interruption = at;
    while (lg__interrupts(rt) & INTERRUPT_STOPPED_WORLD) {
        // relaxed: ordered by the interrupt. We are not counted down yet, so
        // this is the turn of the stop that waits for us
        uint32_t turn = atomic_load_explicit(&rt->world.turn, memory_order_relaxed);
        LG_ASSERT(turn & 1U);
        // relaxed: published by count_down(); the signaller only wants a hint
        atomic_store_explicit(&m->stopped_at, turn, memory_order_relaxed);
        count_down(rt);
        await_turn(rt, turn);
    }
}

// In a frame of its own, below which nothing is that a caller needs.
static LG_NOINLINE void stay_here(struct m *m)
{
    stay(m, __builtin_frame_address(0), NULL);
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
    if (m) {
        lg__world_checkpoint(m);
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

// In a signal handler.
static void on_interruption(const struct interruption *at)
{
    struct m *m = lg__m();
    if (m && may_stop_here(m, at)) {
        stay(m, at->sp, at);
    }
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

// ---------------------------------------------------------------------------
// Inside and outside
// ---------------------------------------------------------------------------

void lg__world_enter_locked(struct lg_runtime *rt, struct m *m)
{
    struct world *w = &rt->world;
    for (;;) {
        // relaxed: changed under the lock
        uint32_t turn = atomic_load_explicit(&w->turn, memory_order_relaxed);
        if (!(turn & 1U)) {
            break;
        }
        lg__unlock(&rt->lock, RANK_SCHED);
        await_turn(rt, turn);
        lg__lock(&rt->lock, RANK_SCHED);
    }
    LG_ASSERT(!m->is_inside);
    m->is_inside = true;
    lg__list_push_back(&w->inside, &m->inside_node);
    w->ninside++;
}

void lg__world_leave_locked(struct lg_runtime *rt, struct m *m)
{
    struct world *w = &rt->world;
    LG_ASSERT(m->is_inside);
    m->is_inside = false;
    lg__list_remove(&w->inside, &m->inside_node);
    w->ninside--;
    // relaxed: changed under the lock. Somebody stops the world and has counted
    // us; we have not stopped, since we are here
    if (atomic_load_explicit(&w->turn, memory_order_relaxed) & 1U) {
        count_down(rt);
    }
}

// ---------------------------------------------------------------------------
// The stopper
// ---------------------------------------------------------------------------

static uint32_t nrunning(struct lg_runtime *rt)
{
    // acquire: pairs with count_down()
    return atomic_load_explicit(&rt->world.nrunning, memory_order_acquire);
}

// Closes the gate and asks. False: somebody else is at it.
static bool begin(struct lg_runtime *rt, struct m *m)
{
    struct world *w = &rt->world;
    lg__lock(&rt->lock, RANK_SCHED);
    // relaxed: changed under the lock
    uint32_t turn = atomic_load_explicit(&w->turn, memory_order_relaxed);
    bool is_ours = !(turn & 1U);
    if (is_ours) {
        m->is_stopper = true;
        atomic_store_explicit(&w->nrunning, w->ninside - 1, memory_order_relaxed);
        atomic_store_explicit(&w->turn, turn + 1, memory_order_relaxed);
        // release: pairs with the acquire in lg__interrupts(); who sees it sees
        // the turn and may count down
        atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_STOPPED_WORLD,
                                 memory_order_release);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
    return is_ours;
}

// The first M that has not stopped.
static struct m *laggard_locked(struct lg_runtime *rt, struct m *after)
    LG_REQUIRES(rt->lock)
{
    struct node *node = after ? after->inside_node.next : rt->world.inside.first;
    for (; node; node = node->next) {
        struct m *m = LG_CONTAINER_OF(node, struct m, inside_node);
        // relaxed: a hint; turn is changed under the lock
        if (!m->is_stopper &&
            atomic_load_explicit(&m->stopped_at, memory_order_relaxed) !=
                atomic_load_explicit(&rt->world.turn, memory_order_relaxed)) {
            return m;
        }
    }
    return NULL;
}

// Under the lock a thread that is inside does not end.
static void signal_laggards(struct lg_runtime *rt)
{
    lg__lock(&rt->lock, RANK_SCHED);
    for (struct m *m = laggard_locked(rt, NULL); m; m = laggard_locked(rt, m)) {
        if (m->suspendable.is_able) {
            lg__suspend_ask(m->thread_handle);
        }
    }
    lg__unlock(&rt->lock, RANK_SCHED);
}

// What another thread's M runs at this moment, or ran a moment ago.
static struct lg_g *glimpse_g(struct m *m)
{
    // relaxed: as in lg__m_set_g()
    return __atomic_load_n(&m->g, __ATOMIC_RELAXED);
}

// Says who keeps the stopper waiting.
static void complain(struct lg_runtime *rt)
{
    char *out = rt->world.complaint;
    size_t size = sizeof rt->world.complaint;
    lg__lock(&rt->lock, RANK_SCHED);
    struct m *m = laggard_locked(rt, NULL);
    struct lg_g *g = m ? glimpse_g(m) : NULL;
    // relaxed: as for dumps
    const char *name = g ? atomic_load_explicit(&g->name, memory_order_relaxed) : NULL;
    if (g) {
        snprintf(out, size,
                 "the world waits for goroutine %llu%s%.40s%s, which has not entered the "
                 "runtime for %d ms: lg_checkpoint() is for long loops",
                 (unsigned long long)lg__g_id(g), name ? " [" : "", name ? name : "",
                 name ? "]" : "", LONG_NS / 1000000);
    } else if (m) {
        snprintf(out, size, "the world waits for a timer's function, for %d ms already",
                 LONG_NS / 1000000);
    }
    lg__unlock(&rt->lock, RANK_SCHED);
}

// To the host, which may take a lock of its own: nobody may be suspended.
static void report(struct lg_runtime *rt, const char *complaint)
{
    if (complaint[0] && rt->options.on_log) {
        rt->options.on_log(rt->options.ud, complaint);
    }
}

static void wait_a_moment(struct lg_runtime *rt, int64_t waited_ns)
{
    struct world *w = &rt->world;
    if (waited_ns < SPIN_NS) {
        for (int i = 0; i < PAUSES_PER_LOOK && nrunning(rt) > 0; i++) {
            lg__cpu_pause();
        }
        return;
    }
    // seq_cst: see count_down()
    atomic_store_explicit(&w->is_stopper_asleep, true, memory_order_seq_cst);
    uint32_t left = atomic_load_explicit(&w->nrunning, memory_order_seq_cst);
    if (left > 0) {
        lg__futex_wait(&w->nrunning, left, SLEEP_NS);
    }
    // relaxed: a wake too many does no harm
    atomic_store_explicit(&w->is_stopper_asleep, false, memory_order_relaxed);
}

static void await_all(struct lg_runtime *rt)
{
    int64_t began_ns = lg__clock_now();
    int64_t signal_ns = rt->options.signals ? began_ns + SIGNAL_AFTER_NS : LG_NEVER;
    bool is_long = false;
    while (nrunning(rt) > 0) {
        int64_t now_ns = lg__clock_now();
        if (now_ns >= signal_ns) {
            signal_laggards(rt);
            signal_ns = now_ns + SIGNAL_EVERY_NS;
        }
        if (!is_long && now_ns - began_ns > LONG_NS) {
            is_long = true;
            complain(rt);
            if (!rt->options.signals) {
                report(rt, rt->world.complaint);
                rt->world.complaint[0] = '\0';
            }
        }
        wait_a_moment(rt, now_ns - began_ns);
    }
}

void lg__world_stop(struct lg_runtime *rt)
{
    struct m *m = lg__m();
    LG_ASSERT(m && m->rt == rt && m->g && !m->is_stopper);
    while (!begin(rt, m)) {
        lg__world_checkpoint(m);
    }
    await_all(rt);
}

void lg__world_start(struct lg_runtime *rt)
{
    struct world *w = &rt->world;
    struct m *m = lg__m();
    LG_ASSERT(m && m->is_stopper);
    lg__lock(&rt->lock, RANK_SCHED);
    m->is_stopper = false;
    char complaint[sizeof w->complaint];
    memcpy(complaint, w->complaint, sizeof complaint);
    w->complaint[0] = '\0';
    // relaxed: who sees it late waits for a turn that has come
    atomic_fetch_and_explicit(&rt->interrupts, ~(uint32_t)INTERRUPT_STOPPED_WORLD,
                              memory_order_relaxed);
    // release: pairs with the acquire in await_turn()
    atomic_fetch_add_explicit(&w->turn, 1, memory_order_release);
    lg__unlock(&rt->lock, RANK_SCHED);
    lg__futex_wake_all(&w->turn);
    report(rt, complaint);
}

bool lg__world_is_stopped(struct lg_runtime *rt)
{
    struct m *m = lg__m();
    return m && m->is_stopper && nrunning(rt) == 0;
}
