// SPDX-License-Identifier: MIT
//
// The public timers. One that belongs to a strand falls due on any M, which
// only posts it; its function is called inside. So inside the strand nothing
// runs at the same time, and stopping it there is exact.
#include "lagoon.h"
#include "os/lock.h"
#include "sched/order.h"
#include "sched/runtime.h"
#include "sched/strand.h"
#include "sched/tracepoint.h"

#define PERIOD_MAX_NS (INT64_MAX / 4)

struct alarm {
    struct timer timer;
    struct lg_runtime *rt;
    struct lg_strand *strand;
    void (*fn)(void *arg);
    void *arg;
    lg_post post;
};

_Static_assert(sizeof(struct alarm) <= sizeof(lg_timer), "lagoon.h promises the size");

static struct alarm *alarm_of(lg_timer *t)
{
    return (struct alarm *)(void *)t->opaque;
}

// A post that is still queued is not queued again: a period that passes
// meanwhile is skipped.
static void on_due(void *arg, uint64_t cookie)
{
    (void)cookie;
    struct alarm *a = arg;
    lg__trace(a->rt, LG_TRACE_TIMER, NULL, 0, NULL);
    if (a->strand) {
        lg_strand_post(a->strand, &a->post);
    } else {
        a->fn(a->arg);
    }
}

static void on_post(lg_post *post)
{
    struct alarm *a = LG_CONTAINER_OF(post, struct alarm, post);
    a->fn(a->arg);
}

void lg_timer_init(lg_timer *t, lg_runtime *rt, lg_strand *strand, void (*fn)(void *arg),
                   void *arg)
{
    struct alarm *a = alarm_of(t);
    a->rt = rt;
    a->strand = strand;
    a->fn = fn;
    a->arg = arg;
    a->post.fn = on_post;
    a->timer.fn = on_due;
    a->timer.arg = a;
}

// The heap to start a timer in, of which no other thread runs the function.
// Called from that function it is the heap that runs it, whoever's that is:
// otherwise a stop on another thread would not find it running.
static struct timers *heap_for(struct alarm *a, struct timers *own)
{
    // acquire: pairs with the release in lg__timer_add()
    struct timers *home = atomic_load_explicit(&a->timer.home, memory_order_acquire);
    if (!home || home == own) {
        return own;
    }
    lg__lock(&home->lock, RANK_TIMERS);
    bool is_running = home->running == &a->timer;
    lg__unlock(&home->lock, RANK_TIMERS);
    return is_running ? home : own;
}

int lg_timer_start(lg_timer *t, int64_t when_ns, int64_t period_ns)
{
    struct alarm *a = alarm_of(t);
    if (period_ns < 0) {
        return LG_EINVAL;
    }
    lg_timer_stop(t);
    a->timer.when_ns = when_ns;
    // A period that nobody lives to see must not overflow the next moment.
    a->timer.period_ns = period_ns < PERIOD_MAX_NS ? period_ns : PERIOD_MAX_NS;
    struct m *m = lg__m();
    bool has_p = m && m->rt == a->rt && m->p;
    struct timers *own = has_p ? lg__order_timers(m) : &lg__p_at(a->rt, 0)->timers;
    struct timers *ts = heap_for(a, own);
    int err = lg__timer_add(ts, &a->rt->alloc, &a->timer);
    if (!err && (!has_p || ts != own)) {
        lg_clock_moved(a->rt); // those who sleep must count it in
    }
    return err;
}

bool lg_timer_stop(lg_timer *t)
{
    struct alarm *a = alarm_of(t);
    bool was_pending = lg__timer_remove(&a->timer);
    lg__timer_await(&a->timer, lg__m());
    if (a->strand && lg__strand_unpost(a->strand, &a->post)) {
        was_pending = true;
    }
    return was_pending;
}
