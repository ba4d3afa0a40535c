// SPDX-License-Identifier: MIT
#include "sched/netpoll.h"

#include "os/clock.h"
#include "sched/runtime.h"
#include "sched/sched.h"
#include "sched/strand.h"
#include "sched/tracepoint.h"

// ---------------------------------------------------------------------------
// Who stands in the set
// ---------------------------------------------------------------------------

static void on_told(lg_post *post)
{
    struct lg_strand *s = LG_CONTAINER_OF(post, struct lg_strand, polled.post);
    s->rt->poller_door.turn(s->polled.loop);
}

static int grow_locked(struct lg_runtime *rt) LG_REQUIRES(rt->netpoll.lock)
{
    struct netpoll *n = &rt->netpoll;
    uint32_t more = n->nslots ? n->nslots * 2 : LG_SIZED(16, 1);
    struct netpoll_slot *slots = lg__alloc_new(&rt->alloc, more * sizeof *slots);
    if (!slots) {
        return LG_ENOMEM;
    }
    for (uint32_t i = 0; i < n->nslots; i++) {
        slots[i] = n->slots[i];
    }
    lg__alloc_free(&rt->alloc, n->slots, n->nslots * sizeof *slots);
    n->slots = slots;
    n->nslots = more;
    return LG_OK;
}

static int find_slot_locked(struct lg_runtime *rt, uint32_t *out)
    LG_REQUIRES(rt->netpoll.lock)
{
    struct netpoll *n = &rt->netpoll;
    uint32_t at = 0;
    while (at < n->nslots && n->slots[at].strand) {
        at++;
    }
    int err = at == n->nslots ? grow_locked(rt) : LG_OK;
    if (!err) {
        *out = at;
    }
    return err;
}

// The slot comes last: 0 is nobody's tag.
static uint64_t tag_of(uint32_t at, uint32_t generation)
{
    return (uint64_t)generation << 32 | (at + 1);
}

static struct netpoll_slot *slot_locked(struct netpoll *n, uint64_t tag)
    LG_REQUIRES(n->lock)
{
    return &n->slots[(uint32_t)tag - 1];
}

static int enlist_locked(struct lg_runtime *rt, struct lg_strand *s, int fd)
    LG_REQUIRES(rt->netpoll.lock)
{
    struct netpoll *n = &rt->netpoll;
    uint32_t at;
    int err = find_slot_locked(rt, &at);
    if (!err && !n->is_open) {
        err = lg__pollset_init(&n->set);
        n->is_open = !err;
    }
    if (err) {
        return err;
    }
    struct netpoll_slot *slot = &n->slots[at];
    uint64_t tag = tag_of(at, slot->generation + 1);
    err = lg__pollset_add(&n->set, fd, tag);
    if (!err) {
        slot->strand = s;
        slot->generation++;
        s->polled.tag = tag;
    }
    return err;
}

int lg__netpoll_enlist(struct lg_strand *s, void *loop, int fd)
{
    struct lg_runtime *rt = s->rt;
    lg__lock(&rt->netpoll.lock, RANK_NETPOLL);
    int err = enlist_locked(rt, s, fd);
    lg__unlock(&rt->netpoll.lock, RANK_NETPOLL);
    if (!err) {
        s->polled.fd = fd;
        s->polled.post.fn = on_told;
        s->polled.loop = loop;
    }
    return err;
}

// Counts a strand out, if it is in. True: the set may tell of it no more, or it has.
static bool count_out(struct lg_runtime *rt, struct polled *polled)
{
    // seq_cst: with narmed, as in lg__netpoll_queue()
    if (!atomic_exchange_explicit(&polled->is_armed, false, memory_order_seq_cst)) {
        return false;
    }
    atomic_fetch_sub_explicit(&rt->netpoll.narmed, 1, memory_order_seq_cst);
    return true;
}

void lg__netpoll_delist(struct lg_strand *s)
{
    struct netpoll *n = &s->rt->netpoll;
    lg__lock(&n->lock, RANK_NETPOLL);
    slot_locked(n, s->polled.tag)->strand = NULL;
    lg__pollset_remove(&n->set, s->polled.fd);
    lg__unlock(&n->lock, RANK_NETPOLL);
    count_out(s->rt, &s->polled);
    s->rt->poller_door.close(s->polled.loop);
    s->polled.loop = NULL;
}

void lg__netpoll_fini(struct lg_runtime *rt)
{
    struct netpoll *n = &rt->netpoll;
    if (n->is_open) {
        lg__pollset_fini(&n->set);
    }
    lg__alloc_free(&rt->alloc, n->slots, n->nslots * sizeof *n->slots);
    n->slots = NULL;
    n->nslots = 0;
    n->is_open = false;
}

// ---------------------------------------------------------------------------
// By the strand
// ---------------------------------------------------------------------------

static void arm(struct lg_strand *s)
{
    struct netpoll *n = &s->rt->netpoll;
    // seq_cst: counted before it may be told of; see idle.c:is_dead_locked()
    atomic_fetch_add_explicit(&n->narmed, 1, memory_order_seq_cst);
    atomic_store_explicit(&s->polled.is_armed, true, memory_order_seq_cst);
    lg__pollset_arm(&n->set, s->polled.fd, s->polled.tag);
}

static bool is_armed(struct lg_strand *s)
{
    // relaxed: only the one inside makes it true; if it was told meanwhile, the post
    // is on its way into the inbox
    return atomic_load_explicit(&s->polled.is_armed, memory_order_relaxed);
}

bool lg__netpoll_settle(struct lg_strand *s)
{
    const struct poller_door *door = &s->rt->poller_door;
    void *loop = s->polled.loop;
    bool must_turn = door->is_dirty(loop) || (!is_armed(s) && door->is_awaited(loop));
    while (must_turn && !s->work) {
        door->turn(loop);
        must_turn = door->is_dirty(loop);
    }
    if (s->work) {
        return true;
    }
    bool is_awaited = door->is_awaited(loop);
    if (is_awaited && !is_armed(s)) {
        arm(s);
    } else if (!is_awaited && is_armed(s) && count_out(s->rt, &s->polled)) {
        lg__pollset_disarm(&s->rt->netpoll.set, s->polled.fd, s->polled.tag);
    }
    return false;
}

bool lg__netpoll_is_settled(struct lg_strand *s)
{
    const struct poller_door *door = &s->rt->poller_door;
    void *loop = s->polled.loop;
    return !door->is_dirty(loop) && is_armed(s) == door->is_awaited(loop);
}

void lg__netpoll_glance(struct lg_strand *s)
{
    if (++s->polled.nrounds % NETPOLL_ROUNDS == 0 &&
        s->rt->poller_door.is_awaited(s->polled.loop)) {
        s->rt->poller_door.turn(s->polled.loop);
    }
}

// ---------------------------------------------------------------------------
// By those who look
// ---------------------------------------------------------------------------

bool lg__netpoll_is_awaited(struct lg_runtime *rt)
{
    // seq_cst: see idle.c:is_dead_locked()
    return atomic_load_explicit(&rt->netpoll.narmed, memory_order_seq_cst) > 0;
}

bool lg__netpoll_is_unattended(struct lg_runtime *rt)
{
    // seq_cst: who becomes the sleeper later has seen all that is armed
    return lg__netpoll_is_awaited(rt) &&
           atomic_load_explicit(&rt->netpoll.sleeper, memory_order_seq_cst) == NULL;
}

// Posts the turns of the loops that were told of, into inboxes only: that ends before
// the lock is opened, and a strand that is then nobody's waits for who queues it.
static uint32_t post_all(struct lg_runtime *rt, const uint64_t *told, int ntold,
                         struct runnable **idle, uint32_t *out_nidle)
{
    struct netpoll *n = &rt->netpoll;
    uint32_t narmed = 0;
    lg__lock(&n->lock, RANK_NETPOLL);
    for (int i = 0; i < ntold; i++) {
        const struct netpoll_slot *slot = slot_locked(n, told[i]);
        struct lg_strand *s = slot->strand;
        if (!s || slot->generation != told[i] >> 32) {
            continue;
        }
        // seq_cst: as in arm(). Before the post: who comes to that arms anew
        narmed +=
            atomic_exchange_explicit(&s->polled.is_armed, false, memory_order_seq_cst);
        if (lg__strand_post_idle(s, &s->polled.post)) {
            idle[(*out_nidle)++] = &s->run;
        }
    }
    lg__unlock(&n->lock, RANK_NETPOLL);
    return narmed;
}

// The last one is for us, if we have a P and come to it at once: nobody need hear of it.
static void push_all(struct lg_runtime *rt, struct runnable **idle, uint32_t nidle)
{
    const struct m *m = lg__m();
    for (uint32_t i = 0; i < nidle; i++) {
        if (i + 1 == nidle && m && m->p && !m->g && m->rt == rt) {
            lg__sched_requeue(idle[i]);
        } else {
            lg__sched_push(rt, idle[i]);
        }
    }
}

void lg__netpoll_queue(struct lg_runtime *rt, const uint64_t *told, int ntold)
{
    struct runnable *idle[NETPOLL_BATCH];
    uint32_t nidle = 0;
    lg__trace(rt, LG_TRACE_POLL, NULL, (uint64_t)ntold, NULL);
    uint32_t narmed = post_all(rt, told, ntold, idle, &nidle);
    push_all(rt, idle, nidle);
    // seq_cst: after they are queued; see idle.c:is_dead_locked()
    atomic_fetch_sub_explicit(&rt->netpoll.narmed, narmed, memory_order_seq_cst);
}

static void note_look(struct lg_runtime *rt)
{
    // relaxed: for sysmon
    atomic_store_explicit(&rt->netpoll.looked_ns, lg__clock_now(), memory_order_relaxed);
}

void lg__netpoll_look(struct lg_runtime *rt)
{
    if (!lg__netpoll_is_awaited(rt)) {
        return;
    }
    note_look(rt);
    uint64_t told[NETPOLL_BATCH];
    int ntold = lg__pollset_wait(&rt->netpoll.set, 0, told, NETPOLL_BATCH);
    if (ntold > 0) {
        lg__netpoll_queue(rt, told, ntold);
    }
}

void lg__netpoll_look_after(struct lg_runtime *rt)
{
    // relaxed: a moment more or less does not matter
    int64_t looked_ns =
        atomic_load_explicit(&rt->netpoll.looked_ns, memory_order_relaxed);
    if (lg__netpoll_is_unattended(rt) && lg__clock_now() - looked_ns >= NETPOLL_LOOK_NS) {
        lg__netpoll_look(rt);
    }
}

static bool try_become_sleeper(struct netpoll *n, struct m *m)
{
    struct m *nobody = NULL;
    // seq_cst: see netpoll.h
    return atomic_compare_exchange_strong_explicit(
        &n->sleeper, &nobody, m, memory_order_seq_cst, memory_order_seq_cst);
}

int lg__netpoll_sleep(struct m *m, int64_t timeout_ns, uint64_t told[NETPOLL_BATCH])
{
    struct netpoll *n = &m->rt->netpoll;
    if (!lg__netpoll_is_awaited(m->rt) || !try_become_sleeper(n, m)) {
        lg__note_sleep(&m->note, timeout_ns);
        return 0;
    }
    int ntold = 0;
    if (!lg__note_take(&m->note)) {
        ntold = lg__pollset_wait(&n->set, timeout_ns, told, NETPOLL_BATCH);
        note_look(m->rt);
    }
    // seq_cst: see netpoll.h
    atomic_store_explicit(&n->sleeper, NULL, memory_order_seq_cst);
    lg__note_take(&m->note);
    return ntold;
}

void lg__m_wake(struct lg_runtime *rt, struct m *m)
{
    struct netpoll *n = &rt->netpoll;
    if (!lg__note_set(&m->note)) {
        return;
    }
    // seq_cst: see netpoll.h
    if (atomic_load_explicit(&n->sleeper, memory_order_seq_cst) == m) {
        lg__pollset_ring(&n->set);
    } else {
        lg__note_rouse(&m->note);
    }
}
