// SPDX-License-Identifier: MIT
//
// Select, without ever holding two locks.
//
// First pass: looks at all cases without a lock, picks one of those that look
// ready at random, and does it under its lock; if somebody was faster, looks
// again. Second pass, when nothing is ready: arms one wait and joins the queue
// of each channel in turn, looking once more under each lock. From the first
// queue on anybody may claim the wait; whoever does decides the select. If a
// case is found ready meanwhile, the goroutine claims its own wait ("withdraw")
// before it does the operation: so exactly one case is ever done. Modelled in
// spec/models/select.pml.
#include "sync/select.h"

#include "sched/tracepoint.h"
#include "sync/chan.h"

enum { BLOCK_WAITERS = LG_SIZED(16, 2), BLOCKS_PER_P_MAX = 32 };

struct wait_block {
    struct wait_block *next;
    struct waiter waiters[BLOCK_WAITERS];
};

static struct waiter *waiters_get(struct lg_runtime *rt, size_t count)
{
    if (count > BLOCK_WAITERS) {
        return lg__alloc_new(&rt->alloc, count * sizeof(struct waiter));
    }
    struct p *p = lg__m()->p;
    struct wait_block *block = p->wait_blocks;
    if (block) {
        p->wait_blocks = block->next;
        p->nwait_blocks--;
    } else {
        block = lg__alloc_new(&rt->alloc, sizeof *block);
    }
    return block ? block->waiters : NULL;
}

static void waiters_put(struct lg_runtime *rt, struct waiter *waiters, size_t count)
{
    if (count > BLOCK_WAITERS) {
        lg__alloc_free(&rt->alloc, waiters, count * sizeof(struct waiter));
        return;
    }
    struct m *m = lg__m();
    struct wait_block *block =
        (struct wait_block *)(void *)((char *)waiters -
                                      offsetof(struct wait_block, waiters));
    if (!m || m->rt != rt || !m->p || m->p->nwait_blocks >= BLOCKS_PER_P_MAX) {
        lg__alloc_free(&rt->alloc, block, sizeof *block);
        return;
    }
    block->next = m->p->wait_blocks;
    m->p->wait_blocks = block;
    m->p->nwait_blocks++;
}

void lg__wait_blocks_free(struct lg_runtime *rt, struct p *p)
{
    while (p->wait_blocks) {
        struct wait_block *block = p->wait_blocks;
        p->wait_blocks = block->next;
        lg__alloc_free(&rt->alloc, block, sizeof *block);
    }
}

void lg__selects_free(struct lg_runtime *rt)
{
    // acquire: pairs with the release of who added the chunk
    struct g_chunk *chunk = atomic_load_explicit(&rt->gs.chunks, memory_order_acquire);
    for (; chunk; chunk = chunk->next) {
        for (uint32_t i = 0; i < G_CHUNK; i++) {
            struct wait_op *op = &chunk->gs[i].op;
            if (op->waiters) {
                waiters_put(rt, op->waiters, op->ncases);
                op->waiters = NULL;
            }
        }
    }
}

static int do_case_locked(const lg_case *c, const struct lg_g *self,
                          struct lg_g **out_fire) LG_REQUIRES(c->ch->lock)
{
    return c->op == LG_SEND ? lg__chan_send_locked(c->ch, c->elem, self, out_fire)
                            : lg__chan_recv_locked(c->ch, c->elem, self, out_fire);
}

static uint32_t random_below(uint32_t n)
{
    struct m *m = lg__m();
    return n > 1 && m && m->p ? lg__rand_below(&m->p->rand, n) : 0;
}

// One of the cases that look ready, each as likely as the others; -1: none.
static int64_t pick_ready(const lg_case *cases, size_t ncases)
{
    uint32_t nready = 0;
    uint16_t ready[64]; // enough for nearly all; the rest is counted again
    for (size_t i = 0; i < ncases; i++) {
        if (cases[i].ch && lg__chan_looks_ready(cases[i].ch, cases[i].op)) {
            if (nready < 64) {
                ready[nready] = (uint16_t)i;
            }
            nready++;
        }
    }
    if (nready == 0) {
        return -1;
    }
    uint32_t which = random_below(nready);
    if (which < 64) {
        return ready[which];
    }
    for (size_t i = 0; i < ncases; i++) {
        if (cases[i].ch && lg__chan_looks_ready(cases[i].ch, cases[i].op) &&
            which-- == 0) {
            return (int64_t)i;
        }
    }
    return pick_ready(cases, ncases); // fewer than before: once more
}

static void trace_select(struct lg_runtime *rt, size_t i)
{
    if (lg__trace_is_whole(rt)) {
        struct m *m = lg__m();
        lg__trace_emit(rt, LG_TRACE_SELECT, m ? m->g : NULL, i, NULL);
    }
}

static LG_NOINLINE void trace_case_unlock(const lg_case *c, int rc, struct lg_g *partner)
    LG_RELEASES(c->ch->lock)
{
    struct trace_op op = {
        .partner = partner ? lg__g_id(partner) : 0,
        .len = (uint32_t)lg_chan_len(c->ch),
        .is_closed = rc == LG_ECLOSED,
    };
    lg__chan_unlock(c->ch);
    if (rc == LG_OK || rc == LG_ECLOSED) {
        lg__trace_case(c->ch->rt, c->op == LG_SEND ? LG_TRACE_SEND : LG_TRACE_RECV,
                       &c->ch->number, &op);
    }
}

static LG_NOINLINE void trace_first_unlock(const lg_case *c, size_t i, int rc,
                                           struct lg_g *partner) LG_RELEASES(c->ch->lock)
{
    trace_case_unlock(c, rc, partner);
    if (rc != LG_EAGAIN) {
        trace_select(c->ch->rt, i);
    }
}

// First pass. LG_EAGAIN: no case is ready.
static int try_any(const lg_case *cases, size_t ncases, size_t *out_index)
{
    for (;;) {
        int64_t i = pick_ready(cases, ncases);
        if (i < 0) {
            return LG_EAGAIN;
        }
        struct lg_g *fire = NULL;
        const lg_case *c = &cases[i];
        lg__chan_lock(c->ch);
        int rc = do_case_locked(c, NULL, &fire);
        if (lg__trace_is_whole(c->ch->rt)) {
            trace_first_unlock(c, (size_t)i, rc, fire);
        } else {
            lg__chan_unlock(c->ch);
        }
        if (fire) {
            lg__wait_fire(fire);
        }
        if (rc != LG_EAGAIN) {
            *out_index = (size_t)i;
            return rc;
        }
    }
}

// Leaves all queues and gives the waiters back.
static void unhook_all(struct lg_g *g)
{
    struct wait_op *op = &g->op;
    for (uint32_t i = 0; i < op->ncases; i++) {
        struct waiter *w = &op->waiters[i];
        // Only the owner of the queue's lock may say whether w still stands in
        // it; a waiter that never did has no owner.
        if (w->owner) {
            lg__chan_unhook(w->owner, w);
        }
    }
    waiters_put(g->rt, op->waiters, op->ncases);
    op->waiters = NULL;
}

static int finish(struct lg_g *g, enum wake wake)
{
    uint32_t which = lg__wait_case(&g->wait);
    const lg_case *cases = g->op.cases;
    if (g->op.waiters) {
        unhook_all(g);
    }
    if (wake == WAKE_READY || wake == WAKE_CLOSED) {
        lg__trace(g->rt, LG_TRACE_SELECT, g, which, NULL);
        *g->op.out_index = which;
        if (wake == WAKE_CLOSED && cases[which].op == LG_RECV) {
            lg__chan_zero(cases[which].ch, cases[which].elem);
        }
    }
    return lg__wake_result(wake);
}

static void prepare_waiters(struct lg_g *g, const lg_case *cases, size_t ncases)
{
    g->op.cases = cases;
    g->op.ncases = (uint32_t)ncases;
    for (size_t i = 0; i < ncases; i++) {
        struct waiter *w = &g->op.waiters[i];
        w->owner = NULL;
        w->queue = NULL;
        w->elem = cases[i].elem;
        w->mode = (uint16_t)cases[i].op;
        w->which_case = (uint16_t)i;
    }
}

// Second pass, one case: joins its queue, or finds it ready and, if nobody has
// claimed the wait yet, does it. LG_EAGAIN: joined. LG_WAIT: somebody has.
static int join(struct lg_g *g, size_t i)
{
    const lg_case *c = &g->op.cases[i];
    struct lg_g *fire = NULL;
    int rc = LG_EAGAIN;
    lg__chan_lock(c->ch);
    bool is_ready = lg__chan_is_ready_locked(c->ch, c->op, g);
    if (!is_ready) {
        lg__chan_enqueue_locked(c->ch, c->op, g, &g->op.waiters[i]);
    } else if (!lg__wait_withdraw(g)) {
        rc = LG_WAIT;
    } else {
        rc = do_case_locked(c, g, &fire);
    }
    if (lg__trace_is_whole(g->rt)) {
        trace_case_unlock(c, rc, fire);
    } else {
        lg__chan_unlock(c->ch);
    }
    if (fire) {
        lg__wait_fire(fire);
    }
    return rc;
}

// Second pass. LG_WAIT: armed and queued, or claimed meanwhile: wait it out.
// LG_EAGAIN: withdrawn, but the partner was lost: start again. It begins anywhere: what has
// become ready since the first pass is not the first case's more often than another's.
static int join_all(struct lg_g *g, size_t ncases, size_t *out_index)
{
    size_t first = random_below((uint32_t)ncases);
    for (size_t count = 0; count < ncases; count++) {
        size_t i = first + count < ncases ? first + count : first + count - ncases;
        if (!g->op.cases[i].ch) {
            continue;
        }
        int rc = join(g, i);
        if (rc == LG_WAIT) {
            break;
        }
        // Only its own goroutine writes a waiter's owner, whereas its queue is
        // anybody's who has the lock.
        bool has_joined = g->op.waiters[i].owner != NULL;
        if (!has_joined) {
            unhook_all(g);
            if (rc != LG_EAGAIN) {
                trace_select(g->rt, i);
                *out_index = i;
            }
            return rc;
        }
    }
    return LG_WAIT;
}

static int wait_any(const lg_case *cases, size_t ncases, int64_t deadline_ns,
                    size_t *out_index)
{
    struct lg_g *g = lg__g_self();
    if (!lg__wait_begin(g)) {
        return LG_ECANCELED;
    }
    g->op.out_index = out_index;
    g->op.cases = cases;
    g->op.waiters = ncases > 0 ? waiters_get(g->rt, ncases) : NULL;
    if (ncases > 0) {
        if (!g->op.waiters) {
            lg__wait_abandon(g);
            return LG_ENOMEM;
        }
        prepare_waiters(g, cases, ncases);
        int rc = join_all(g, ncases, out_index);
        if (rc != LG_WAIT) {
            return rc;
        }
    }
    return lg__wait_for(g, ncases ? "select" : "select (no cases)", deadline_ns, finish);
}

int lg_select(const lg_case *cases, size_t ncases, int64_t deadline_ns, size_t *out_index)
{
    if (ncases > LG_CHAN_CASES_MAX) {
        return LG_EINVAL;
    }
    if (deadline_ns != 0 && lg__take_cancel()) {
        return LG_ECANCELED;
    }
    for (;;) {
        int rc = try_any(cases, ncases, out_index);
        if (rc == LG_EAGAIN && deadline_ns != 0) {
            rc = wait_any(cases, ncases, deadline_ns, out_index);
            if (rc == LG_EAGAIN) {
                continue; // a partner was lost to its own time-out
            }
        }
        return rc;
    }
}
