// SPDX-License-Identifier: MIT
#include "sched/park.h"

#include "os/cpu.h"
#include "sched/order.h"
#include "sched/runtime.h"
#include "sched/sched.h"
#include "sched/strand.h"
#include "sched/tracepoint.h"
#include "sched/waiter.h"

struct lg_g *lg__g_self(void)
{
    struct m *m = lg__m();
    LG_MISUSE_IF(!m || !m->g, "a blocking call outside a goroutine");
    LG_MISUSE_IF(m->nblocks > 0, "a wait between lg_block_enter() and lg_block_leave()");
    return m->g;
}

bool lg__wait_begin(struct lg_g *g)
{
    LG_MISUSE_IF(g->has_wait, "a wait is begun before the last one was finished");
    if (lg__wait_take_cancel(&g->wait, lg__g_id(g))) {
        return false;
    }
    lg__wait_arm(&g->wait, true);
    return true;
}

void lg__wait_begin_uncancelable(struct lg_g *g)
{
    lg__wait_arm(&g->wait, false);
}

bool lg__wait_withdraw(struct lg_g *g)
{
    if (!lg__wait_claim(&g->wait, lg__wait_number(&g->wait), WAKE_READY, 0)) {
        return false;
    }
    lg__wait_deliver(&g->wait); // not parked: this only marks it as over
    return true;
}

void lg__wait_abandon(struct lg_g *g)
{
    if (!lg__wait_withdraw(g)) {
        while (!lg__wait_is_fired(&g->wait)) {
            lg__cpu_pause();
        }
        // relaxed: looked at by the goroutine itself, when it arms again
        atomic_store_explicit(&g->wait.cancel, lg__g_id(g), memory_order_relaxed);
    }
}

void lg__wait_fire(struct lg_g *g)
{
    if (lg__wait_deliver(&g->wait)) {
        lg__sched_ready(g);
    }
}

void lg__wait_fire_behind(struct lg_g *g)
{
    if (lg__wait_deliver(&g->wait)) {
        lg__sched_ready_behind(g);
    }
}

// A goroutine's own timer has come.
static void on_deadline(void *arg, uint64_t number)
{
    struct lg_g *g = arg;
    if (lg__wait_claim(&g->wait, number, WAKE_TIMEOUT, 0)) {
        lg__trace(g->rt, LG_TRACE_TIMER, g, 0, NULL);
        lg__wait_fire(g);
    }
}

static void start_deadline(struct lg_g *g, struct lg_clock *clock, int64_t deadline_ns)
{
    g->timer.when_ns = deadline_ns;
    g->timer.period_ns = 0;
    g->timer.fn = on_deadline;
    g->timer.arg = g;
    g->timer.cookie = lg__wait_number(&g->wait);
    g->has_timer = true;
    if (lg__clock_add(clock, &g->timer) != LG_OK) {
        g->has_timer = false;
        if (lg__wait_claim(&g->wait, g->timer.cookie, WAKE_NOMEM, 0)) {
            lg__wait_deliver(&g->wait);
        }
    }
}

static void note_reason(struct lg_g *g, const char *reason)
{
    if (g->next_reason) {
        reason = g->next_reason;
        g->next_reason = NULL;
    }
    // relaxed: for dumps
    atomic_store_explicit(&g->wait_reason, reason, memory_order_relaxed);
    atomic_store_explicit(&g->wait_since_ns, lg__now_coarse(g->rt), memory_order_relaxed);
}

// Parks a native goroutine until its wait is fired.
static void park_native(struct lg_g *g)
{
    // The check build leaves even if it would be back at once.
    bool is_forced = LG_SIZED(false, true);
    if (is_forced || !lg__wait_is_fired(&g->wait)) {
        lg__sched_switch(lg__m(), AFTER_PARK);
    }
}

static int begin_wait(struct lg_g *g, const char *reason, struct lg_clock *clock,
                      int64_t deadline_ns, wait_finish *finish)
{
    g->finish = finish;
    g->has_wait = true;
    note_reason(g, reason);
    if (deadline_ns != LG_NEVER) {
        start_deadline(g, clock, deadline_ns);
    }
    return LG_WAIT;
}

int lg__wait_again(struct lg_g *g, const char *reason, int64_t deadline_ns,
                   wait_finish *finish)
{
    return begin_wait(g, reason, g->clock, deadline_ns, finish);
}

static int wait_on(struct lg_g *g, const char *reason, struct lg_clock *clock,
                   int64_t deadline_ns, wait_finish *finish)
{
    int rc = begin_wait(g, reason, clock, deadline_ns, finish);
    while (rc == LG_WAIT && !g->strand) {
        park_native(g);
        rc = lg__wait_settle(g);
    }
    return rc;
}

int lg__wait_for(struct lg_g *g, const char *reason, int64_t deadline_ns,
                 wait_finish *finish)
{
    return wait_on(g, reason, g->clock, deadline_ns, finish);
}

int lg__wait_for_world(struct lg_g *g, const char *reason, int64_t deadline_ns,
                       wait_finish *finish)
{
    return wait_on(g, reason, NULL, deadline_ns, finish);
}

int lg__wait_settle(struct lg_g *g)
{
    LG_ASSERT(lg__wait_is_fired(&g->wait));
    enum wake wake = lg__wait_wake(&g->wait);
    g->has_wait = false;
    if (g->has_timer) {
        g->has_timer = false;
        if (wake != WAKE_TIMEOUT) {
            lg__timer_remove(&g->timer);
        }
    }
    g->result = g->finish ? g->finish(g, wake) : LG_OK;
    return g->result == LG_WAIT ? LG_WAIT : g->strand ? LG_OK : g->result;
}

int lg_wait_finish(lg_g *g)
{
    LG_MISUSE_IF(g->has_wait, "lg_wait_finish() before the wait is over");
    return g->result;
}

// ---------------------------------------------------------------------------
// Donation: a scripted goroutine keeps the stack it stands on
// ---------------------------------------------------------------------------

// The loop's stack becomes the goroutine's, and the M continues on a fresh one,
// inside the same strand. Returns when the goroutine is stepped again, perhaps
// on another thread. False: there is no stack to go on with.
static bool donate(struct lg_g *g)
{
    struct m *m = lg__m();
    struct ctx mine = m->loop;
    struct stack *stack = m->loop_stack;
    // Beyond the cap, too: who waits may be waiting for what gives memory back.
    lg__heap_grace_begin(&m->rt->heap);
    bool can_go_on = lg__m_new_loop(m);
    lg__heap_grace_end(&m->rt->heap);
    if (!can_go_on) {
        return false;
    }
    lg__lockrank_assert_none();
    lg__p_count(&m->p->ndonations);
    g->stack = stack;
    g->ctx = mine; // whose stack pointer the switch fills in
    m->prev = g;
    lg__m_set_after(m, AFTER_PARK);
    lg__m_set_g(m, NULL);
    int saved_errno = *m->errno_at;
    m = lg__ctx_switch(&g->ctx, &m->loop, m);
    lg__m_after_switch(m);
    *m->errno_at = saved_errno;
    return true;
}

_Noreturn void lg__park_return(struct lg_g *g)
{
    struct m *m = lg__m();
    m->old_stack = m->loop_stack;
    m->old_ctx = m->loop;
    lg__m_set_after(m, AFTER_STACK);
    m->loop_stack = g->stack;
    m->loop = g->ctx;
    g->stack = NULL;
    lg__ctx_leave(&m->old_ctx, &g->ctx, m);
}

int lg_wait(void)
{
    struct lg_g *g = lg__g_self();
    LG_MISUSE_IF(!g->has_wait, "lg_wait() with no wait armed");
    LG_MISUSE_IF(!g->strand, "lg_wait() in a native goroutine");
    struct lg_strand *s = g->strand;
    do {
        // A yield's wait is over before it is waited for, and must still let others run.
        if (!g->finish || !lg__wait_is_fired(&g->wait)) {
            if (!donate(g) &&
                lg__wait_claim(&g->wait, lg__wait_number(&g->wait), WAKE_NOMEM, 0)) {
                lg__wait_deliver(&g->wait);
            }
        }
        // Unless it was claimed a moment ago: its waker is about to deliver.
        while (!lg__wait_is_fired(&g->wait)) {
            lg__cpu_pause();
        }
    } while (lg__wait_settle(g) == LG_WAIT);
    if (s->ops->returned) {
        s->ops->returned(s, g, g->extra);
    }
    return g->result;
}

// ---------------------------------------------------------------------------
// Waits without a queue
// ---------------------------------------------------------------------------

static int finish_park(struct lg_g *g, enum wake wake)
{
    (void)g;
    return lg__wake_result(wake);
}

static int finish_sleep(struct lg_g *g, enum wake wake)
{
    (void)g;
    return wake == WAKE_TIMEOUT ? LG_OK : lg__wake_result(wake);
}

int lg_sleep_until(int64_t deadline_ns)
{
    struct lg_g *g = lg__g_self();
    if (!lg__wait_begin(g)) {
        return LG_ECANCELED;
    }
    return lg__wait_for(g, "sleep", deadline_ns, finish_sleep);
}

lg_ticket lg_park_arm(void)
{
    struct lg_g *g = lg__g_self();
    LG_MISUSE_IF(g->has_ticket, "a wait is begun before the last one was finished");
    // A cancellation that is pending ends the wait in lg_park().
    if (!lg__wait_begin(g)) {
        lg__wait_arm(&g->wait, false);
        lg__wait_claim(&g->wait, lg__wait_number(&g->wait), WAKE_CANCEL, 0);
        lg__wait_deliver(&g->wait);
    }
    g->has_ticket = true;
    return (lg_ticket){.g = g, .wait = lg__wait_number(&g->wait)};
}

int lg_park(const char *reason, int64_t deadline_ns)
{
    struct lg_g *g = lg__g_self();
    LG_MISUSE_IF(!g->has_ticket, "lg_park() without lg_park_arm()");
    g->has_ticket = false;
    if (deadline_ns == 0) {
        if (lg__wait_withdraw(g)) {
            return LG_EAGAIN;
        }
        while (!lg__wait_is_fired(&g->wait)) {
            lg__cpu_pause();
        }
        return lg__wake_result(lg__wait_wake(&g->wait));
    }
    return lg__wait_for(g, reason, deadline_ns, finish_park);
}

bool lg_ready(lg_ticket ticket)
{
    if (!lg__wait_claim(&ticket.g->wait, ticket.wait, WAKE_READY, 0)) {
        return false;
    }
    lg__wait_fire(ticket.g);
    return true;
}

// Writes a cancellation down. False: that goroutine has ended.
static bool put_cancel(struct lg_g *g, uint64_t id)
{
    // relaxed: the CAS tells. An id of an earlier life may still stand here; one
    // of a later life must not be overwritten, so the id is looked at in between
    uint64_t seen = atomic_load_explicit(&g->wait.cancel, memory_order_relaxed);
    do {
        if (lg__g_id(g) != id) {
            return false;
        }
        // seq_cst: the look at the word comes after
    } while (!atomic_compare_exchange_weak_explicit(
        &g->wait.cancel, &seen, id, memory_order_seq_cst, memory_order_relaxed));
    return true;
}

static bool is_cancelable(uint64_t word)
{
    return (word & (WAIT_ARMED | WAIT_HEEDS | WAIT_CLAIMED)) == (WAIT_ARMED | WAIT_HEEDS);
}

int lg__wait_cancel(struct lg_g *g, uint64_t id)
{
    for (;;) {
        // seq_cst: after the write to `cancel`, or after commit
        uint64_t word = atomic_load_explicit(&g->wait.word, memory_order_seq_cst);
        // After the load of the word: if the goroutine has ended since, the
        // word has another number and the claim fails.
        if (lg__g_id(g) != id) {
            return LG_ESRCH;
        }
        if (!is_cancelable(word) || !lg__wait_take_cancel(&g->wait, id)) {
            return LG_OK; // its next wait takes it, or it is taken
        }
        if (lg__wait_claim(&g->wait, lg__wait_number_of(word), WAKE_CANCEL, 0)) {
            lg__wait_fire(g);
            return LG_OK;
        }
        if (!put_cancel(g, id)) {
            return LG_ESRCH;
        }
    }
}

int lg_cancel(lg_ref ref)
{
    return put_cancel(ref.g, ref.id) ? lg__wait_cancel(ref.g, ref.id) : LG_ESRCH;
}

bool lg_is_canceled(void)
{
    struct m *m = lg__m();
    struct lg_g *g = m ? m->g : NULL;
    // relaxed: a hint to stop
    return g &&
           atomic_load_explicit(&g->wait.cancel, memory_order_relaxed) == lg__g_id(g);
}

void lg_wait_reason(const char *reason)
{
    lg__g_self()->next_reason = reason;
}
