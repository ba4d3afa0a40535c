// SPDX-License-Identifier: MIT
//
// Parking: how a goroutine waits, of either kind, and comes back.
//
// Every blocking call is written once, for both kinds:
//
//     if (!lg__wait_begin(g)) return LG_ECANCELED;   // armed from here on
//     ... put g->op.waiter into a queue, under that queue's lock ...
//     return lg__wait_for(g, "chan receive", deadline_ns, finish);
//
// For a native goroutine lg__wait_for() parks, then calls finish. For a
// scripted one it returns LG_WAIT at once; the strand's next step calls finish. That
// may arm another wait and return lg__wait_again().
#ifndef LG_SCHED_PARK_H
#define LG_SCHED_PARK_H

#include "base/base.h"
#include "sched/g.h"
#include "sched/m.h"
#include "sched/preempt.h"

// The calling goroutine; fatal if there is none.
struct lg_g *lg__g_self(void);

// Takes a cancellation that is pending for the calling goroutine, if it is one.
// A blocking call asks first, so that a loop of calls that need not wait can be
// canceled too; nothing has been done then.
LG_INLINE bool lg__take_cancel(void)
{
    lg__preempt_point();
    struct m *m = lg__m();
    struct lg_g *g = m ? m->g : NULL;
    // relaxed: one that comes now is heeded by the next call
    return LG_UNLIKELY(g && atomic_load_explicit(&g->wait.cancel, memory_order_relaxed) !=
                                0) &&
           lg__wait_take_cancel(&g->wait, lg__g_id(g));
}

// Arms a wait of the calling goroutine; false: it has been canceled.
bool lg__wait_begin(struct lg_g *g);

// The same, but a cancellation stays pending until a later wait.
void lg__wait_begin_uncancelable(struct lg_g *g);

// Waits out the armed wait, as told above.
int lg__wait_for(struct lg_g *g, const char *reason, int64_t deadline_ns,
                 wait_finish *finish);

// The same for what comes from the outside world: the deadline is on the runtime's clock,
// whatever the goroutine's is.
int lg__wait_for_world(struct lg_g *g, const char *reason, int64_t deadline_ns,
                       wait_finish *finish);

// For a finish function that has armed another wait: it is waited out in the same way.
// Returns LG_WAIT.
int lg__wait_again(struct lg_g *g, const char *reason, int64_t deadline_ns,
                   wait_finish *finish);

// Ends the calling goroutine's own wait before it parks; false: a waker was
// faster, and the wait must be waited out.
bool lg__wait_withdraw(struct lg_g *g);

// Ends the armed wait of g, which no queue knows of. A cancellation that came
// meanwhile stays pending.
void lg__wait_abandon(struct lg_g *g);

// Ends the wait of goroutine `id`, for which a cancellation has been written
// down, or leaves it to the next one. LG_OK or LG_ESRCH.
int lg__wait_cancel(struct lg_g *g, uint64_t id);

// A wait of g has ended: stops its timer, unhooks its waiters, keeps the
// result. LG_OK, or LG_WAIT if it waits again.
int lg__wait_settle(struct lg_g *g);

// Ends a claimed wait and makes its goroutine runnable.
void lg__wait_fire(struct lg_g *g);

// The same for one of several that are fired together, in order.
void lg__wait_fire_behind(struct lg_g *g);

// Steps a goroutine that donated a stack: goes on there. Does not return.
_Noreturn void lg__park_return(struct lg_g *g);

#endif // LG_SCHED_PARK_H
