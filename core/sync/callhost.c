// SPDX-License-Identifier: MIT
//
// Calls on the host's thread, by the goroutine itself: it moves there and back.
//
// A native goroutine is pinned for the time of the call (PIN_CALLED) and yields, which
// puts it into the host's queue (sched/host.h). A scripted one belongs to its strand, and
// one that is wired to another thread stays there: for those a native goroutine goes.
#include "lagoon.h"
#include "sched/host.h"
#include "sched/park.h"
#include "sched/sched.h"
#include "sync/join.h"

static void move_to_host(struct lg_g *g)
{
    g->run.pins |= PIN_CALLED;
    lg__sched_switch(lg__m(), AFTER_YIELD);
}

static void move_away(struct lg_g *g)
{
    g->run.pins &= (uint8_t)~PIN_CALLED;
    // What fn did to be there for longer stays so (lg_lock_thread()).
    if (g->run.pins == 0 && lg__host_is_apart(g->rt)) {
        lg__sched_switch(lg__m(), AFTER_YIELD);
    }
}

struct errand {
    void (*fn)(void *arg);
    void *arg;
    struct join join;
};

static void run_errand(void *arg)
{
    struct errand *errand = arg;
    errand->fn(errand->arg);
    lg__join_leave(&errand->join);
}

static int send_another(struct lg_g *g, void (*fn)(void *arg), void *arg)
{
    struct errand errand = {.fn = fn, .arg = arg};
    lg__join_init(&errand.join, g);
    lg__join_enter(&errand.join);
    lg_go_options opts = {.name = "call on host", .pinned = true};
    int err = lg_go(g->rt, run_errand, &errand, &opts, NULL);
    if (!err) {
        lg__join_await(&errand.join, "call on host");
    }
    return err;
}

int lg_call_on_host(void (*fn)(void *arg), void *arg)
{
    struct lg_g *g = lg__g_self();
    if (lg__take_cancel()) {
        return LG_ECANCELED;
    }
    if (!g->strand && g->run.pins) {
        fn(arg); // it is there
        return LG_OK;
    }
    int err = lg__host_open(g->rt);
    if (err) {
        return err;
    }
    if (g->strand || g->nlocks > 0) {
        return send_another(g, fn, arg);
    }
    move_to_host(g);
    fn(arg);
    move_away(g);
    return LG_OK;
}
