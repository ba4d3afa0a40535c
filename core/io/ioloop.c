// SPDX-License-Identifier: MIT
//
// The record of a loop comes from the C library: a look-up of a name that hangs, or work, keeps
// its thread and its loop for longer than the runtime may live.
#include "io/ioloop.h"

#include <stdlib.h>

#include "io/fetch.h"
#include "io/iowork.h"
#include "io/lookup.h"
#include "io/multi.h"
#include "io/watch.h"
#include "os/clock.h"
#include "sched/runtime.h"
#include "sched/strand.h"

// How long the end of a loop waits for look-ups and work that cannot be cancelled any more.
static const int64_t CLOSE_PATIENCE_NS = 20 * 1000 * 1000;

// Loops of the process that were left behind: libuv's threads still work for them.
static _Atomic(struct io_loop *) left;
// What those threads were asked for, and no loop has heard the end of.
static _Atomic size_t nasked;

static void turn(void *arg)
{
    struct io_loop *loop = arg;
    loop->is_dirty = false;
    uv_run(&loop->uv, UV_RUN_NOWAIT);
}

static bool is_dirty(void *arg)
{
    return ((struct io_loop *)arg)->is_dirty;
}

static bool is_awaited(void *arg)
{
    return ((struct io_loop *)arg)->nawaited > 0;
}

static void end_all(struct io_loop *loop)
{
    for (struct node *node; (node = lg__list_pop_front(&loop->fetches));) {
        lg__fetch_orphan(LG_CONTAINER_OF(node, struct lg_fetch, node));
    }
    lg__multi_end_all(loop); // before the watches, of which each has one
    for (struct node *node; (node = lg__list_pop_front(&loop->watches));) {
        lg__watch_orphan(LG_CONTAINER_OF(node, struct io_watch, node));
    }
    for (struct node *node = loop->works.first; node; node = node->next) {
        lg__work_orphan(LG_CONTAINER_OF(node, struct io_work, node));
    }
    for (struct node *node; (node = lg__list_pop_front(&loop->lookups));) {
        lg__lookup_orphan(LG_CONTAINER_OF(node, struct io_lookup, node));
    }
}

// Work on memory of somebody's who will not wait for it otherwise.
static bool must_wait(const struct io_loop *loop)
{
    bool must = loop->nclosing > 0;
    for (struct node *node = loop->works.first; node; node = node->next) {
        must |= LG_CONTAINER_OF(node, struct io_work, node)->must_end;
    }
    return must;
}

static void leave(struct io_loop *loop)
{
    // relaxed: the compare-and-swap decides
    loop->next_left = atomic_load_explicit(&left, memory_order_relaxed);
    // release: pairs with the acquire in close_left(), which takes all of them at once
    while (!atomic_compare_exchange_weak_explicit(
        &left, &loop->next_left, loop, memory_order_release, memory_order_relaxed)) {
    }
}

// Closes those whose work has ended meanwhile.
static void close_left(void)
{
    // acquire: pairs with the release in leave()
    struct io_loop *loop = atomic_exchange_explicit(&left, NULL, memory_order_acquire);
    while (loop) {
        struct io_loop *next = loop->next_left;
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        if (uv_loop_close(&loop->uv) == 0) {
            free(loop);
        } else {
            leave(loop);
        }
        loop = next;
    }
}

static void close_loop(void *arg)
{
    struct io_loop *loop = arg;
    end_all(loop);
    free(loop->scratch);
    loop->scratch = NULL;
    int64_t end_ns = lg__clock_now() + CLOSE_PATIENCE_NS;
    do {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    } while (must_wait(loop) || (uv_loop_alive(&loop->uv) && lg__clock_now() < end_ns));
    if (uv_loop_close(&loop->uv) == 0) {
        free(loop);
    } else {
        leave(loop);
    }
}

void lg__pool_ask(void)
{
    atomic_fetch_add_explicit(&nasked, 1, memory_order_relaxed); // relaxed: a count
}

void lg__pool_end(void)
{
    atomic_fetch_sub_explicit(&nasked, 1, memory_order_relaxed); // relaxed: a count
}

bool lg_has_left_work(void)
{
    close_left();
    // relaxed: only whether there is one
    return atomic_load_explicit(&left, memory_order_relaxed) != NULL ||
           atomic_load_explicit(&nasked, memory_order_relaxed) != 0;
}

int lg__ioloop_of(struct lg_strand *s, struct io_loop **out)
{
    if (s->polled.loop) {
        *out = s->polled.loop;
        return LG_OK;
    }
    struct io_loop *loop = calloc(1, sizeof *loop);
    if (!loop || uv_loop_init(&loop->uv) != 0) {
        free(loop);
        return LG_ENOMEM;
    }
    loop->rt = s->rt;
    loop->strand = s;
    loop->uv.data = loop;
    int err = lg__netpoll_enlist(s, loop, uv_backend_fd(&loop->uv));
    if (err) {
        uv_loop_close(&loop->uv);
        free(loop);
        return err;
    }
    *out = loop;
    return LG_OK;
}

// ---------------------------------------------------------------------------
// Of a runtime
// ---------------------------------------------------------------------------

int lg__io_open(struct lg_runtime *rt)
{
    rt->io = lg__alloc_new(&rt->alloc, sizeof *rt->io);
    rt->poller_door = (struct poller_door){.turn = turn,
                                           .is_dirty = is_dirty,
                                           .is_awaited = is_awaited,
                                           .close = close_loop};
    return rt->io ? LG_OK : LG_ENOMEM;
}

void lg__io_close(struct lg_runtime *rt)
{
    close_left();
    for (struct node *node = rt->strands.first; node; node = node->next) {
        struct lg_strand *s = LG_CONTAINER_OF(node, struct lg_strand, node);
        if (s->polled.loop) {
            lg__netpoll_delist(s);
        }
    }
    lg__netpoll_fini(rt);
    lg__alloc_free(&rt->alloc, rt->io, sizeof *rt->io);
    rt->io = NULL;
}

static const lg_strand_ops no_ops; // of a strand that has no goroutines

int lg__io_strand(struct lg_g *g, struct lg_strand **out)
{
    if (g->strand) {
        *out = g->strand;
        return LG_OK;
    }
    struct io *io = g->rt->io;
    lg__lock(&io->lock, RANK_IO);
    int err = io->strand ? LG_OK : lg_strand_open(g->rt, &no_ops, NULL, &io->strand);
    struct lg_strand *s = io->strand;
    lg__unlock(&io->lock, RANK_IO);
    if (!err) {
        *out = s;
    }
    return err;
}
