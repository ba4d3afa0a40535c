// SPDX-License-Identifier: MIT
#include "io/call.h"

#include <string.h>

#include "io/ioloop.h"
#include "sched/park.h"
#include "sched/runtime.h"
#include "sched/strand.h"

static int finish_inside(struct lg_g *g, enum wake wake);
static int finish_outside(struct lg_g *g, enum wake wake);

static struct lg_g *g_of(struct waiter *w)
{
    return LG_CONTAINER_OF(w, struct lg_g, op.waiter);
}

struct waiter *lg__call_prepare(const struct call_kind *kind, void *owner)
{
    struct m *m = lg__m();
    if (!m || !m->g) {
        return NULL;
    }
    LG_MISUSE_IF(m->nblocks > 0, "a wait between lg_block_enter() and lg_block_leave()");
    struct waiter *w = &m->g->op.waiter;
    w->g = m->g;
    w->owner = owner;
    w->queue = NULL;
    memset(lg__call_op(w), 0, sizeof *lg__call_op(w));
    lg__call_op(w)->kind = kind;
    return w;
}

// ---------------------------------------------------------------------------
// On the strand
// ---------------------------------------------------------------------------

// In the loop that has just been waited for: it is there. On the call's own strand, or,
// while nothing drives the runtime, on the thread that has the strand's state in hand.
static void count(struct call_op *call, bool is_counted)
{
    struct io_loop *loop = call->home->polled.loop;
    if (loop && call->is_counted != is_counted) {
        loop->nawaited += (uint32_t)is_counted - (uint32_t)call->is_counted;
        call->is_counted = is_counted;
    }
}

static void unhook(struct waiter *w)
{
    struct call_op *call = lg__call_op(w);
    count(call, false);
    if (call->is_hooked) {
        call->is_hooked = false;
        call->kind->unhook(w);
    }
}

// Hooks a call, and finishes it if it has an outcome or must not wait. False: it waits.
static bool begin(struct waiter *w)
{
    struct call_op *call = lg__call_op(w);
    call->is_over = false;
    call->has_begun = true;
    call->rc = call->kind->hook(w);
    if (call->rc != LG_OK) {
        return true;
    }
    call->is_hooked = true;
    bool is_ready = call->kind->is_ready(w);
    if (is_ready) {
        call->kind->take(w);
    } else {
        call->rc = call->is_try ? LG_EAGAIN : call->kind->await(w);
    }
    return is_ready || call->rc != LG_OK;
}

static void fire(struct waiter *w)
{
    struct lg_g *g = g_of(w);
    lg__call_op(w)->is_over = true;
    count(lg__call_op(w), false);
    if (!g->strand) {
        unhook(w); // it goes on elsewhere
    }
    lg__wait_fire(g);
}

static bool claim(struct waiter *w)
{
    return lg__wait_claim(&w->g->wait, w->number, WAKE_READY, 0);
}

bool lg__call_look(struct waiter *w)
{
    bool is_over =
        w && !lg__call_op(w)->is_over && lg__call_op(w)->kind->is_ready(w) && claim(w);
    if (is_over) {
        lg__call_op(w)->kind->take(w);
        fire(w);
    }
    return is_over;
}

void lg__call_end(struct waiter *w, int rc)
{
    if (w && !lg__call_op(w)->is_over && claim(w)) {
        lg__call_op(w)->rc = rc;
        fire(w);
    }
}

void lg__call_again(struct waiter *w)
{
    lg__call_end(w, LG_WAIT);
}

// ---------------------------------------------------------------------------
// Moments
// ---------------------------------------------------------------------------

static int64_t limit_of(struct waiter *w)
{
    const struct call_op *call = lg__call_op(w);
    int64_t limit_ns = call->kind->limit ? call->kind->limit(w) : LG_NEVER;
    return limit_ns < call->deadline_ns ? limit_ns : call->deadline_ns;
}

static int64_t first_moment(struct waiter *w)
{
    const struct call_op *call = lg__call_op(w);
    int64_t limit_ns = limit_of(w);
    int64_t retry_ns = call->kind->retry ? call->kind->retry(w) : LG_NEVER;
    return retry_ns < limit_ns ? retry_ns : limit_ns;
}

static bool must_go_on(struct waiter *w, enum wake wake)
{
    struct lg_g *g = g_of(w);
    return (wake == WAKE_READY && g->op.call.rc == LG_WAIT) ||
           (wake == WAKE_TIMEOUT && g->op.call.kind->retry &&
            lg__now(g->rt) < limit_of(w));
}

static int code_of(enum wake wake)
{
    switch (wake) {
    case WAKE_TIMEOUT: return LG_ETIMEDOUT;
    case WAKE_NOMEM: return LG_ENOMEM;
    default: return LG_ECANCELED;
    }
}

// ---------------------------------------------------------------------------
// Of the strand's own goroutine
// ---------------------------------------------------------------------------

// Arms the goroutine's wait. False: it has been cancelled.
static bool arm(struct waiter *w)
{
    struct lg_g *g = g_of(w);
    if (g->op.call.is_try || g->op.call.kind->is_firm) {
        lg__wait_begin_uncancelable(g);
        return true;
    }
    return lg__wait_begin(g);
}

// On the strand. False: *rc says how the call went; else its wait is armed.
static bool must_wait(struct waiter *w, int64_t *moment_ns, int *rc)
{
    struct lg_g *g = g_of(w);
    struct call_op *call = &g->op.call;
    if (begin(w)) {
        unhook(w);
        *rc = call->rc;
        return false;
    }
    if (!arm(w)) {
        unhook(w);
        *rc = call->kind->cut(w, LG_ECANCELED);
        return false;
    }
    w->number = (uint32_t)lg__wait_number(&g->wait);
    count(call, true);
    *moment_ns = first_moment(w);
    return true;
}

static int call_inside(struct waiter *w)
{
    struct lg_g *g = g_of(w);
    int64_t moment_ns;
    int rc;
    return must_wait(w, &moment_ns, &rc)
               ? lg__wait_for_world(g, g->op.call.kind->reason, moment_ns, finish_inside)
               : rc;
}

static int finish_inside(struct lg_g *g, enum wake wake)
{
    struct waiter *w = &g->op.waiter;
    if (wake == WAKE_DROP) {
        return LG_ECANCELED; // the loop is gone
    }
    unhook(w);
    if (must_go_on(w, wake)) {
        return call_inside(w);
    }
    return wake == WAKE_READY ? g->op.call.rc : g->op.call.kind->cut(w, code_of(wake));
}

// ---------------------------------------------------------------------------
// Of a goroutine without a strand
// ---------------------------------------------------------------------------

// It has been posted; its wait may be over by now, then it is retracted.
static void on_call(lg_post *post)
{
    struct lg_g *g = LG_CONTAINER_OF(post, struct lg_g, op.call.post);
    struct waiter *w = &g->op.waiter;
    struct call_op *call = &g->op.call;
    call->is_over = false;
    call->has_begun = true;
    int rc = call->kind->hook(w);
    if (rc != LG_OK) {
        lg__call_end(w, rc);
        return;
    }
    call->is_hooked = true;
    if (lg__call_look(w)) {
        return;
    }
    rc = call->is_try ? LG_EAGAIN : call->kind->await(w);
    if (rc != LG_OK) {
        lg__call_end(w, rc);
    } else {
        count(call, true);
    }
}

// The wait is armed.
static int call_outside(struct waiter *w)
{
    struct lg_g *g = g_of(w);
    struct call_op *call = &g->op.call;
    w->number = (uint32_t)lg__wait_number(&g->wait);
    call->post.fn = on_call;
    int64_t moment_ns = call->is_try ? LG_NEVER : first_moment(w);
    lg_strand_post(call->home, &call->post);
    return lg__wait_for_world(g, call->kind->reason, moment_ns, finish_outside);
}

// Goes to the strand if nobody is there: most calls have an outcome at once, and a post would
// cost them a wait. False: it has to be posted. Only the runtime's own strand, which ends with
// the runtime: one of scripts may be closed.
static bool try_call_there(struct waiter *w, int *rc)
{
    struct lg_g *g = g_of(w);
    struct lg_strand *home = g->op.call.home;
    if (home != g->rt->io->strand || !lg__strand_try_enter(home)) {
        return false;
    }
    int64_t moment_ns;
    bool waits = must_wait(w, &moment_ns, rc);
    lg__strand_leave(home);
    if (waits) {
        *rc = lg__wait_for_world(g, g->op.call.kind->reason, moment_ns, finish_outside);
    }
    return true;
}

// On the C stack of who retracts its call.
struct retraction {
    lg_post post;
    struct lg_g *g;
    int rc; // what the call was cut short by; LG_OK: it begins anew
};

static void on_retract(lg_post *post)
{
    struct retraction *r = LG_CONTAINER_OF(post, struct retraction, post);
    struct waiter *w = &r->g->op.waiter;
    unhook(w);
    if (r->rc != LG_OK) {
        r->rc = lg__call_op(w)->kind->cut(w, r->rc);
    }
    if (lg__wait_claim(&r->g->wait, lg__wait_number(&r->g->wait), WAKE_READY, 0)) {
        lg__wait_fire(r->g);
    }
}

// Behind the call itself, which is in the strand's queue or was there.
static int retract(struct lg_g *g, int rc)
{
    struct retraction r = {.post.fn = on_retract, .g = g, .rc = rc};
    lg__wait_begin_uncancelable(g);
    lg_strand_post(g->op.call.home, &r.post);
    lg__wait_for(g, g->op.call.kind->reason, LG_NEVER, NULL);
    return r.rc;
}

static int finish_outside(struct lg_g *g, enum wake wake)
{
    struct waiter *w = &g->op.waiter;
    bool goes_on = must_go_on(w, wake);
    if (wake == WAKE_READY && !goes_on) {
        return g->op.call.rc;
    }
    if (wake != WAKE_READY) {
        int rc = retract(g, goes_on ? LG_OK : code_of(wake));
        if (!goes_on) {
            return rc;
        }
    }
    if (!arm(w)) {
        return retract(g, LG_ECANCELED);
    }
    return call_outside(w);
}

// ---------------------------------------------------------------------------
// Any
// ---------------------------------------------------------------------------

int lg__call(struct waiter *w, struct lg_strand *home, int64_t deadline_ns)
{
    struct lg_g *g = g_of(w);
    struct call_op *call = &g->op.call;
    call->home = home;
    call->deadline_ns = deadline_ns;
    call->is_try = deadline_ns == 0;
    if (!call->is_try && !call->kind->is_sure && lg__take_cancel()) {
        return LG_ECANCELED;
    }
    if (g->strand == home) {
        return call_inside(w);
    }
    if (g->strand) {
        return LG_EPERM;
    }
    int rc;
    if (try_call_there(w, &rc)) {
        return rc;
    }
    return arm(w) ? call_outside(w) : LG_ECANCELED;
}

static int hook_nothing(struct waiter *w)
{
    (void)w;
    return LG_OK;
}

static void unhook_nothing(struct waiter *w)
{
    (void)w;
}

static bool is_ready_now(struct waiter *w)
{
    (void)w;
    return true;
}

static void take_at_once(struct waiter *w)
{
    struct call_op *call = lg__call_op(w);
    call->rc = call->at_once(w->owner, w->amount);
}

static const struct call_kind at_once = {
    .reason = "io wait",
    .hook = hook_nothing,
    .unhook = unhook_nothing,
    .is_ready = is_ready_now,
    .take = take_at_once,
};

int lg__call_at_once(struct lg_strand *home, int (*fn)(void *owner, int64_t amount),
                     void *owner, int64_t amount)
{
    if (!home || lg_strand_self() == home || !lg_current()) {
        return fn(owner, amount);
    }
    struct waiter *w = lg__call_prepare(&at_once, owner);
    if (!w) {
        return LG_EPERM;
    }
    w->amount = amount;
    lg__call_op(w)->at_once = fn;
    return lg__call(w, home, 0);
}
