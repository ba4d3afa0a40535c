// SPDX-License-Identifier: MIT
//
// How a strand ends, with the goroutines that it has.
#include "sched/netpoll.h"
#include "sched/park.h"
#include "sched/sched.h"
#include "sched/strand.h"
#include "sched/wire.h"
#include "sched/world.h"

// Takes what has come in. Steps of goroutines, and the loop's turn, nothing else may: they
// are marked, since who pushed one has nothing more to do with its goroutine.
static void mark_steps(struct lg_strand *s)
{
    lg__strand_turn_inbox_over(s);
    for (lg_post *post = s->work; post; post = post->next) {
        LG_MISUSE_OF_IF(s->rt,
                        post->fn != lg__strand_step_marker && post != &s->polled.post,
                        "lg_strand_close() while something posted waits in the strand");
        post->is_queued = true;
    }
    s->work = NULL;
    s->nwork = 0;
}

// Ends the goroutine's wait; or waits for the push of who has ended it.
static void end_wait(struct lg_strand *s, struct lg_g *g)
{
    if (lg__wait_claim(&g->wait, lg__wait_number(&g->wait), WAKE_DROP, 0)) {
        lg__wait_deliver(&g->wait);
        return;
    }
    while (!g->step.is_queued) {
        lg__world_pause();
        mark_steps(s);
    }
}

static bool drop_if_ours(void *ud, const lg_g_info *info)
{
    struct lg_strand *s = ud;
    struct lg_g *g = info->ref.g;
    if (info->strand == s) {
        if (g->has_wait) {
            end_wait(s, g);
        }
        lg__g_drop(g);
    }
    return true;
}

void lg_strand_close(lg_strand *s)
{
    LG_MISUSE_OF_IF(s->rt, lg__strand_is_inside(s),
                    "lg_strand_close() from inside the strand");
    // A lg_drive() that begins from here on does not see it.
    lg__lock(&s->rt->lock, RANK_SCHED);
    lg__list_remove(&s->rt->strands, &s->node);
    s->held = NULL;
    lg__unlock(&s->rt->lock, RANK_SCHED);
    // release: pairs with the acquire in lg__strand_is_closing()
    atomic_store_explicit(&s->is_closing, true, memory_order_release);
    lg__wire_undo(s->rt, &s->run); // its thread may not come any more
    // If it stands in a run queue, an M will take it and leave at once; without
    // any M there is nobody to wait for but who is about to queue it.
    while (!lg__strand_claim(s) && !lg__sched_forget(s->rt, &s->run)) {
        if (lg_self().id != 0) {
            lg_yield(); // it may stand in the queue of our own P
        } else {
            lg__world_pause();
        }
    }
    if (s->polled.loop) {
        lg__netpoll_delist(s);
    }
    mark_steps(s);
    lg_goroutines(s->rt, drop_if_ours, s);
    lg__lock(&s->rt->lock, RANK_SCHED);
    lg__globq_unreserve(&s->rt->global, 1);
    lg__unlock(&s->rt->lock, RANK_SCHED);
    lg__alloc_free(&s->rt->alloc, s, sizeof *s);
}

void lg__strands_free(struct lg_runtime *rt)
{
    for (struct node *node; (node = lg__list_pop_front(&rt->strands));) {
        struct lg_strand *s = LG_CONTAINER_OF(node, struct lg_strand, node);
        lg__alloc_free(&rt->alloc, s, sizeof *s);
    }
}
