// SPDX-License-Identifier: MIT
//
// The goroutine that stops the world.
#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/cpu.h"
#include "os/futex.h"
#include "sched/block.h"
#include "sched/world.h"

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
    // How long the suspended wait for the others before they are let go, and how
    // long they then run at least. Both double each time: who has lost its CPU with
    // a lock of the host's needs it back first.
    RELENT_AFTER_NS = 1000 * 1000,
    RELENT_FOR_NS = 100 * 1000,
    RELENTS_MAX = 8, // doublings
};

static uint32_t nrunning(struct lg_runtime *rt)
{
    // acquire: pairs with count_down()
    return lg__running_count(
        atomic_load_explicit(&rt->world.running, memory_order_acquire));
}

// A turn in which all that are inside, but the stopper, are to be counted down.
static void set_turn_locked(struct world *w, uint32_t turn) LG_REQUIRES(w->lock)
{
    // relaxed: published by turn
    atomic_store_explicit(&w->running, lg__running(turn, w->ninside - 1),
                          memory_order_relaxed);
    // release: pairs with the acquire in stay() and await_turn()
    atomic_store_explicit(&w->turn, turn, memory_order_release);
}

static void set_lenient(struct world *w, bool is_lenient)
{
    // relaxed: who reads it late is let go, or suspended, one signal later
    atomic_store_explicit(&w->is_lenient, is_lenient, memory_order_relaxed);
}

// Closes the gate and asks. False: somebody else is at it.
static bool begin(struct lg_runtime *rt, struct m *m)
{
    struct world *w = &rt->world;
    lg__lock(&w->lock, RANK_WORLD);
    // relaxed: changed under the lock
    uint32_t turn = atomic_load_explicit(&w->turn, memory_order_relaxed);
    bool is_ours = !(turn & 1U);
    if (is_ours) {
        m->is_stopper = true;
        set_lenient(w, false);
        set_turn_locked(w, turn + 1);
        // release: pairs with the acquire in lg__interrupts(); who sees it sees
        // the turn
        atomic_fetch_or_explicit(&rt->interrupts, INTERRUPT_STOPPED_WORLD,
                                 memory_order_release);
    }
    lg__unlock(&w->lock, RANK_WORLD);
    return is_ours;
}

// Lets the suspended go on, and begins anew. Those who stopped by themselves stop
// again at once.
static void relent(struct lg_runtime *rt)
{
    struct world *w = &rt->world;
    set_lenient(w, true);
    lg__lock(&w->lock, RANK_WORLD);
    // relaxed: changed under the lock
    set_turn_locked(w, atomic_load_explicit(&w->turn, memory_order_relaxed) + 2);
    lg__unlock(&w->lock, RANK_WORLD);
    lg__futex_wake_all(&w->turn);
}

// The first M that has not stopped.
static struct m *laggard_locked(struct lg_runtime *rt, struct m *after)
    LG_REQUIRES(rt->world.lock)
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
    set_lenient(&rt->world, false);
    lg__lock(&rt->world.lock, RANK_WORLD);
    for (struct m *m = laggard_locked(rt, NULL); m; m = laggard_locked(rt, m)) {
        if (m->suspendable.is_able) {
            lg__suspend_ask(m->thread_handle);
        }
    }
    lg__unlock(&rt->world.lock, RANK_WORLD);
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
    lg__lock(&rt->world.lock, RANK_WORLD);
    struct m *m = laggard_locked(rt, NULL);
    struct lg_g *g = m ? glimpse_g(m) : NULL;
    if (g) {
        char name[LG_NAME_SIZE];
        bool has_name = *lg__g_name(g, name) != '\0';
        snprintf(out, size,
                 "the world waits for goroutine %llu%s%s%s, which has not entered the "
                 "runtime for %d ms: lg_checkpoint() is for long loops",
                 (unsigned long long)lg__g_id(g), has_name ? " [" : "", name,
                 has_name ? "]" : "", LONG_NS / 1000000);
    } else if (m) {
        snprintf(out, size,
                 "the world waits for a timer's function or a job, for %d ms already",
                 LONG_NS / 1000000);
    }
    lg__unlock(&rt->world.lock, RANK_WORLD);
}

// To the host, which may take a lock of its own: nobody may be suspended.
static void report(struct lg_runtime *rt, const char *complaint)
{
    if (complaint[0] && rt->options.on_log) {
        rt->options.on_log(rt->options.ud, complaint);
    }
}

// Those in blocking calls, or that have just begun one, do not stop by themselves.
static void take_out_blocked(struct lg_runtime *rt)
{
    lg__lock(&rt->world.lock, RANK_WORLD);
    lg__block_stop_all_locked(rt);
    lg__unlock(&rt->world.lock, RANK_WORLD);
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
    uint32_t running = atomic_load_explicit(&w->running, memory_order_seq_cst);
    if (lg__running_count(running) > 0) {
        lg__futex_wait(&w->running, running, SLEEP_NS);
    }
    // relaxed: a wake too many does no harm
    atomic_store_explicit(&w->is_stopper_asleep, false, memory_order_relaxed);
}

// What a stop does, and when.
struct course {
    int64_t began_ns;
    int64_t signal_ns;
    int64_t relent_ns;
    int nrelents;
    bool has_complained;
};

static void signal_or_relent(struct lg_runtime *rt, struct course *c, int64_t now_ns)
{
    if (now_ns >= c->relent_ns) {
        relent(rt);
        c->signal_ns = now_ns + ((int64_t)RELENT_FOR_NS << c->nrelents);
        c->relent_ns = c->signal_ns + ((int64_t)RELENT_AFTER_NS << c->nrelents);
        c->nrelents += c->nrelents < RELENTS_MAX;
    } else if (now_ns >= c->signal_ns) {
        signal_laggards(rt);
        c->signal_ns = now_ns + SIGNAL_EVERY_NS;
    }
}

static void complain_once(struct lg_runtime *rt, struct course *c)
{
    c->has_complained = true;
    complain(rt);
    if (!rt->options.signals) {
        report(rt, rt->world.complaint);
        rt->world.complaint[0] = '\0';
    }
}

static void await_all(struct lg_runtime *rt)
{
    struct course c = {
        .began_ns = lg__clock_now(), .signal_ns = LG_NEVER, .relent_ns = LG_NEVER};
    if (rt->options.signals) {
        c.signal_ns = c.began_ns + SIGNAL_AFTER_NS;
        c.relent_ns = c.began_ns + RELENT_AFTER_NS;
    }
    while (nrunning(rt) > 0) {
        int64_t now_ns = lg__clock_now();
        take_out_blocked(rt);
        signal_or_relent(rt, &c, now_ns);
        if (!c.has_complained && now_ns - c.began_ns > LONG_NS) {
            complain_once(rt, &c);
        }
        wait_a_moment(rt, now_ns - c.began_ns);
    }
}

void lg__world_stop(struct lg_runtime *rt)
{
    struct m *m = lg__m();
    LG_ASSERT(m && m->rt == rt && (m->g || m->errand) && !m->is_stopper);
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
    // To the last wake: who sleeps on this turn, in a signal handler perhaps, would
    // not hear of the next one if we were suspended before.
    lg__nostop_enter();
    lg__lock(&w->lock, RANK_WORLD);
    m->is_stopper = false;
    char complaint[sizeof w->complaint];
    memcpy(complaint, w->complaint, sizeof complaint);
    w->complaint[0] = '\0';
    // relaxed: who sees it late waits for a turn that has come
    atomic_fetch_and_explicit(&rt->interrupts, ~(uint32_t)INTERRUPT_STOPPED_WORLD,
                              memory_order_relaxed);
    // release: pairs with the acquire in await_turn()
    atomic_fetch_add_explicit(&w->turn, 1, memory_order_release);
    lg__unlock(&w->lock, RANK_WORLD);
    lg__futex_wake_all(&w->turn);
    lg__nostop_leave();
    report(rt, complaint);
}

bool lg__world_is_stopped(struct lg_runtime *rt)
{
    struct m *m = lg__m();
    return m && m->is_stopper && nrunning(rt) == 0;
}
