// SPDX-License-Identifier: MIT
#include "sched/watchdog.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "os/backtrace.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "sched/sysmon.h"

enum {
    NS_PER_MS = 1000 * 1000,
    // How long sysmon waits for a stack: a signal takes some microseconds, unless the
    // thread has lost its CPU.
    STACK_WAIT_NS = 5 * NS_PER_MS,
    LINE_BYTES = 256,
};

// Of watchdog.wanted. The handler that finds its own M there begins by taking it away, so
// that none that comes late, when sysmon has given up, writes into what the next one does.
enum stack_state { STACK_NONE, STACK_BEING_TAKEN, STACK_TAKEN };

void lg__watchdog_on_signal(struct m *m, const struct interruption *at)
{
    struct watchdog *w = &m->rt->watchdog;
    uintptr_t mine = (uintptr_t)m;
    // relaxed: most signals are about something else; the CAS tells. acquire: pairs with
    // the release in want_stack()
    if (atomic_load_explicit(&w->wanted, memory_order_relaxed) != mine ||
        !atomic_compare_exchange_strong_explicit(&w->wanted, &mine, STACK_BEING_TAKEN,
                                                 memory_order_acquire,
                                                 memory_order_relaxed)) {
        return;
    }
    w->pc = at->pc;
    w->nstack = lg__backtrace(w->stack);
    // release: pairs with the acquire in await_stack()
    atomic_store_explicit(&w->wanted, STACK_TAKEN, memory_order_release);
}

// Signals the P's M, which is returned; NULL: there is none that could be. Under the
// world's lock a thread that is inside does not end.
static struct m *want_stack(struct lg_runtime *rt, struct p *p)
{
    struct watchdog *w = &rt->watchdog;
    struct m *asked = NULL;
    lg__lock(&rt->world.lock, RANK_WORLD);
    struct node *node = rt->world.inside.first;
    for (; node && !asked; node = node->next) {
        struct m *m = LG_CONTAINER_OF(node, struct m, inside_node);
        // relaxed: as in lg__m_set_p()
        if (atomic_load_explicit(&p->m, memory_order_relaxed) == m &&
            m->suspendable.is_able) {
            asked = m;
            // release: pairs with the acquire in the handler
            atomic_store_explicit(&w->wanted, (uintptr_t)m, memory_order_release);
            lg__suspend_ask(m->thread_handle);
        }
    }
    lg__unlock(&rt->world.lock, RANK_WORLD);
    return asked;
}

// False: it has not come in time, and will not.
static bool await_stack(struct lg_runtime *rt, struct m *m)
{
    struct watchdog *w = &rt->watchdog;
    int64_t end_ns = lg__clock_now() + STACK_WAIT_NS;
    // acquire: pairs with the release in the handler
    while (atomic_load_explicit(&w->wanted, memory_order_acquire) != STACK_TAKEN) {
        uintptr_t wanted = (uintptr_t)m;
        // relaxed: who has begun to take it is waited for no longer than a handler runs
        if (lg__clock_now() > end_ns && atomic_compare_exchange_strong_explicit(
                                            &w->wanted, &wanted, STACK_NONE,
                                            memory_order_relaxed, memory_order_relaxed)) {
            return false;
        }
        lg__cpu_pause();
    }
    return true;
}

void lg_log(lg_runtime *rt, const char *line)
{
    if (rt->options.on_log) {
        rt->options.on_log(rt->options.ud, line);
    } else {
        dprintf(STDERR_FILENO, "%s\n", line);
    }
}

static void say_stack(struct lg_runtime *rt)
{
    struct watchdog *w = &rt->watchdog;
    int from = 0;
    for (int i = 0; i < w->nstack; i++) {
        from = w->stack[i] == w->pc ? i : from; // before are the handler's
    }
    for (int i = from; i < w->nstack; i++) {
        char line[LINE_BYTES] = "\t";
        lg__backtrace_describe(w->stack[i], line + 1, sizeof line - 1);
        lg_log(rt, line);
    }
}

static void say_who(struct lg_runtime *rt, struct lg_g *g, int64_t held_ns)
{
    char line[LINE_BYTES];
    char name[LG_NAME_SIZE] = "";
    if (g) {
        lg__g_name(g, name);
        uint64_t parent = atomic_load_explicit(&g->parent, memory_order_relaxed);
        snprintf(line, sizeof line,
                 "goroutine %" PRIu64 "%s%s%s, created by goroutine %" PRIu64
                 ", has held its P for %" PRId64 " ms",
                 lg__g_id(g), *name ? " [" : "", name, *name ? "]" : "", parent,
                 held_ns / NS_PER_MS);
    } else {
        snprintf(line, sizeof line,
                 "a timer's function or a job has held its P for %" PRId64 " ms",
                 held_ns / NS_PER_MS);
    }
    lg_log(rt, line);
}

// Who runs on a P; NULL: none, or it has changed hands. Under the world's lock the record
// of a thread that is inside is there, and complete; those of goroutines stay.
static struct lg_g *holder(struct lg_runtime *rt, struct p *p)
{
    struct lg_g *g = NULL;
    lg__lock(&rt->world.lock, RANK_WORLD);
    for (struct node *node = rt->world.inside.first; node; node = node->next) {
        struct m *m = LG_CONTAINER_OF(node, struct m, inside_node);
        // relaxed: guesses; as in lg__m_set_p() and lg__m_set_g()
        if (atomic_load_explicit(&p->m, memory_order_relaxed) == m) {
            g = __atomic_load_n(&m->g, __ATOMIC_RELAXED);
        }
    }
    lg__unlock(&rt->world.lock, RANK_WORLD);
    return g;
}

void lg__watchdog_report(struct lg_runtime *rt, struct p *p, int64_t held_ns)
{
    struct m *asked = want_stack(rt, p);
    bool has_stack = asked && await_stack(rt, asked);
    struct lg_g *g = holder(rt, p);
    uint64_t id = g ? lg__g_id(g) : 0;
    say_who(rt, g, held_ns);
    if (has_stack) {
        say_stack(rt);
        // relaxed: nobody writes until it is wanted again
        atomic_store_explicit(&rt->watchdog.wanted, STACK_NONE, memory_order_relaxed);
    }
    if (g) {
        // relaxed: for itself, when it next looks; by now it may be another
        atomic_store_explicit(&g->reported_id, id, memory_order_relaxed);
    }
}

int lg_watchdog(lg_runtime *rt, int64_t after_ns)
{
    if (after_ns < 0) {
        return LG_EINVAL;
    }
    lg__backtrace_init();
    // relaxed: a setting
    atomic_store_explicit(&rt->watchdog.after_ns, after_ns == LG_NEVER ? 0 : after_ns,
                          memory_order_relaxed);
    int err = lg__sysmon_start(rt);
    lg__sysmon_rouse(rt);
    return err;
}

int64_t lg_watchdog_get(lg_runtime *rt)
{
    return lg__watchdog_ns(rt);
}

bool lg_watchdog_take(void)
{
    struct m *m = lg__m();
    struct lg_g *g = m ? m->g : NULL;
    // relaxed: written by sysmon some time ago
    if (!g || atomic_load_explicit(&g->reported_id, memory_order_relaxed) == 0) {
        return false;
    }
    return atomic_exchange_explicit(&g->reported_id, 0, memory_order_relaxed) ==
           lg__g_id(g);
}
