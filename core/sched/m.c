// SPDX-License-Identifier: MIT
#include "sched/m.h"

#include <errno.h>

#include "os/fault.h"
#include "sched/drive.h"
#include "sched/idle.h"
#include "sched/runtime.h"
#include "sched/sched.h"
#include "sched/starve.h"
#include "sched/tracepoint.h"
#include "sched/wire.h"
#include "sched/world.h"

enum { LOOP_STACK_BYTES = 2 * 1024 * 1024 };

struct stack *lg__m_new_loop_for(struct m *m, ctx_entry *entry)
{
    struct stack *stack =
        lg__stack_get(&m->rt->stacks, NULL, lg__stack_class_of(LOOP_STACK_BYTES));
    if (stack) {
        lg__ctx_make(&m->loop, stack->low, lg__stack_top(stack), entry);
        m->loop_stack = stack;
    }
    return stack;
}

struct stack *lg__m_new_loop(struct m *m)
{
    return lg__m_new_loop_for(m, lg__loop_entry());
}

void lg__m_free_loop(struct m *m)
{
    if (m->loop_stack) {
        lg__ctx_free(&m->loop);
        lg__stack_put(&m->rt->stacks, NULL, m->loop_stack);
        m->loop_stack = NULL;
    }
}

static void take_signals(struct m *m)
{
    m->thread_handle = pthread_self();
    if (m->rt->options.signals) {
        m->altstack = lg__fault_thread_init();
        lg__suspend_thread_init(&m->suspendable);
    }
}

static void forgo_signals(struct m *m)
{
    lg__suspend_thread_fini(&m->suspendable);
    lg__fault_thread_fini(m->altstack);
    m->altstack = NULL;
}

int lg__m_enter(struct m *m)
{
    struct lg_runtime *rt = m->rt;
    if (!m->loop_stack && !lg__m_new_loop(m)) {
        return LG_ENOMEM;
    }
    lg__tls_set(m);
    lg__panic_hook_set(&rt->panic_hook);
    lg__ctx_of_thread(&m->thread);
    m->after = AFTER_NOTHING;
    m->errno_at = &errno;
    take_signals(m);
    lg__world_enter(rt, m);
    lg__ctx_switch(&m->thread, &m->loop, m);
    lg__m_after_switch(m);
    lg__world_leave(rt, m);
    m->loop_stack =
        NULL; // it was left for good, and another may have it: an update comes again
    forgo_signals(m);
    lg__panic_hook_set(NULL);
    lg__tls_set(NULL);
    return LG_OK;
}

_Noreturn void lg__m_leave(void)
{
    struct m *m = lg__m();
    m->after = AFTER_STACK;
    m->old_stack = m->loop_stack;
    m->old_ctx = m->loop;
    lg__ctx_leave(&m->old_ctx, &m->thread, m);
}

static void free_exited(struct m *m, struct lg_g *g)
{
    struct stack *stack = g->stack;
    g->stack = NULL;
    lg__ctx_free(&g->ctx);
    lg__g_end(g);
    lg__stack_put(&m->rt->stacks, m->p ? &m->p->stacks : NULL, stack);
    if (LG_UNLIKELY(m->rt->starved.first)) {
        lg__feed_starved(m->rt);
    }
}

// The M may be suspended at once, with all this still to be done: the stack that was
// left is complete, and whoever finds its goroutine, on the way into a queue or out
// of its record, finds words of memory. No lock is needed for that, no order kept.
void lg__m_after_switch(struct m *m)
{
    enum after after = m->after;
    lg__m_set_after(m, AFTER_NOTHING);
    switch (after) {
    case AFTER_NOTHING: break;
    case AFTER_PARK: lg__sched_commit(m->prev); break;
    case AFTER_YIELD:
        if (lg__trace_is_on(m->rt)) {
            lg__trace_leave(m->prev, NULL);
        }
        lg__g_set_status(m->prev, LG_RUNNING, LG_RUNNABLE);
        lg__sched_requeue(&m->prev->run);
        break;
    case AFTER_GIVE_WAY:
        lg__g_set_status(m->prev, LG_RUNNING, LG_RUNNABLE);
        m->rt->order.front = &m->prev->run;
        break;
    case AFTER_EXIT: free_exited(m, m->prev); break;
    case AFTER_STACK:
        lg__ctx_free(&m->old_ctx);
        lg__stack_put(&m->rt->stacks, NULL, m->old_stack);
        break;
    }
}

void lg__m_main(void *arg)
{
    struct m *m = arg;
    struct lg_runtime *rt = m->rt;
    lg__m_enter(m); // its stack was made before the thread
    lg__lock(&rt->lock, RANK_SCHED);
    lg__wire_leave_locked(rt, m);
    m->has_ended = m->must_end;
    rt->nleaving -= m->must_end;
    lg__m_left_locked(rt);
    lg__unlock(&rt->lock, RANK_SCHED);
}
