// SPDX-License-Identifier: MIT
#include "sync/frame.h"

#include "os/lock.h"
#include "sched/runtime.h"
#include "sched/waiter.h"

static struct lg_clock *clock_of(struct lg_g *g)
{
    return g->clock ? g->clock : &g->rt->clock;
}

// What the clock showed when this frame began.
static int64_t frame_ns(struct lg_clock *clock)
{
    // relaxed: written under frames.lock, which the caller holds
    return atomic_load_explicit(&clock->frame_ns, memory_order_relaxed);
}

// Notes what all clocks show. Parents come first.
static void note_clocks_locked(struct lg_runtime *rt) LG_REQUIRES(rt->frames.lock)
{
    // relaxed: as above
    atomic_store_explicit(&rt->clock.frame_ns, lg__now(rt), memory_order_relaxed);
    lg__lock(&rt->clocks.lock, RANK_CLOCKS);
    for (struct node *node = rt->clocks.all.first; node; node = node->next) {
        struct lg_clock *clock = LG_CONTAINER_OF(node, struct lg_clock, node);
        atomic_store_explicit(&clock->frame_ns, lg__clock_read(clock),
                              memory_order_relaxed);
    }
    lg__unlock(&rt->clocks.lock, RANK_CLOCKS);
}

// Who asks for the next frame from here on waits for the one after this.
static void begin(struct lg_runtime *rt, bool is_hosted)
{
    struct frames *frames = &rt->frames;
    struct list woken = {0};
    lg__lock(&rt->frames.lock, RANK_SYNC);
    frames->is_hosted |= is_hosted;
    frames->is_paced &= is_hosted; // the pacer's timer has come
    if (is_hosted || !frames->is_hosted) {
        frames->number++;
        note_clocks_locked(rt);
        lg__waitq_claim_all(&frames->queue, WAKE_READY, &woken);
    }
    lg__unlock(&rt->frames.lock, RANK_SYNC);
    lg__waitq_fire_all(&woken);
}

void lg__frame_begin(struct lg_runtime *rt)
{
    begin(rt, true);
}

void lg_frame_begin(lg_runtime *rt)
{
    begin(rt, true);
}

static void on_pace(void *arg, uint64_t cookie)
{
    (void)cookie;
    begin(arg, false);
}

// Nobody begins frames: in a 60th of a second after the last one we do.
static int pace_locked(struct lg_runtime *rt) LG_REQUIRES(rt->frames.lock)
{
    struct frames *frames = &rt->frames;
    if (frames->is_hosted || frames->is_paced) {
        return LG_OK;
    }
    int64_t now_ns = lg__now(rt);
    int64_t at_ns = frame_ns(&rt->clock) + LG_FRAME_NS;
    frames->pacer.fn = on_pace;
    frames->pacer.arg = rt;
    frames->pacer.when_ns = frames->number > 0 && at_ns > now_ns ? at_ns : now_ns;
    int err = lg__clock_add(NULL, &frames->pacer);
    frames->is_paced = err == LG_OK;
    return err;
}

bool lg__frame_is_awaited(struct lg_runtime *rt)
{
    lg__lock(&rt->frames.lock, RANK_SYNC);
    bool is_awaited = rt->frames.queue.first != NULL;
    lg__unlock(&rt->frames.lock, RANK_SYNC);
    return is_awaited;
}

static int finish(struct lg_g *g, enum wake wake)
{
    struct frames *frames = &g->rt->frames;
    struct waiter *w = &g->op.waiter;
    lg__lock(&frames->lock, RANK_SYNC);
    if (wake != WAKE_READY) {
        lg__waitq_unlink(w);
    } else if (w->elem && !g->is_dropped) {
        // Of the frame that it is now: who comes late has missed nothing.
        *(lg_frame *)w->elem = (lg_frame){.number = frames->number,
                                          .dt_ns = frame_ns(clock_of(g)) - w->amount};
    }
    lg__unlock(&frames->lock, RANK_SYNC);
    return lg__wake_result(wake);
}

int lg_next_frame(lg_frame *out, int64_t deadline_ns)
{
    if (deadline_ns == 0) {
        return LG_EAGAIN;
    }
    struct lg_g *g = lg__g_self();
    struct frames *frames = &g->rt->frames;
    if (lg__take_cancel() || !lg__wait_begin(g)) {
        return LG_ECANCELED;
    }
    struct waiter *w = &g->op.waiter;
    w->owner = frames;
    w->which_case = 0;
    w->elem = out;
    lg__lock(&g->rt->frames.lock, RANK_SYNC);
    w->amount = frames->number > 0 ? frame_ns(clock_of(g)) : lg__clock_read(clock_of(g));
    lg__waitq_push(&frames->queue, g, w);
    int err = pace_locked(g->rt);
    lg__unlock(&g->rt->frames.lock, RANK_SYNC);
    if (err && lg__wait_claim(&g->wait, w->number, WAKE_NOMEM, 0)) {
        lg__wait_deliver(&g->wait);
    }
    return lg__wait_for(g, "frame wait", deadline_ns, finish);
}
