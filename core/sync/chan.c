// SPDX-License-Identifier: MIT
#include "sync/chan.h"

#include <string.h>

#include "gc/mark.h"
#include "sched/runtime.h"
#include "sched/strand.h"
#include "sched/tracepoint.h"

// ---------------------------------------------------------------------------
// Elements and lock
// ---------------------------------------------------------------------------

// The usual sizes without a call, in words: the collector may look at the place.
static inline void copy_words(void *to, const void *from, uint32_t nwords)
{
    uint64_t *out = to;
    const uint64_t *in = from;
    for (uint32_t i = 0; i < nwords; i++) {
        // relaxed: a marker that reads the old word finds the new one elsewhere
        __atomic_store_n(&out[i], in[i], __ATOMIC_RELAXED);
    }
}

static inline void copy_elem(const struct lg_chan *ch, void *to, const void *from)
{
    if (!to) {
        return; // a receiver that drops it
    }
    bool is_aligned = (((uintptr_t)to | (uintptr_t)from) & 7) == 0;
    if (LG_LIKELY(ch->elem_size == 16 && is_aligned)) {
        copy_words(to, from, 2);
    } else if (ch->elem_size == 8 && is_aligned) {
        copy_words(to, from, 1);
    } else if (is_aligned && ch->elem_size % 8 == 0) {
        copy_words(to, from, ch->elem_size / 8);
    } else {
        memcpy(to, from, ch->elem_size);
    }
}

// By words where there may be references, as copy_elem() does.
void lg__chan_zero(const struct lg_chan *ch, void *elem)
{
    if (!elem) {
        return;
    }
    if (((uintptr_t)elem & 7) != 0 || ch->elem_size % 8 != 0) {
        memset(elem, 0, ch->elem_size);
        return;
    }
    uint64_t *out = elem;
    for (size_t i = 0; i < ch->elem_size / 8; i++) {
        // relaxed: a marker that reads the old word keeps an object for one cycle more
        __atomic_store_n(&out[i], 0, __ATOMIC_RELAXED);
    }
}

void lg__chan_lock(struct lg_chan *ch) LG_UNCHECKED_LOCKING
{
    if (ch->strand) {
        LG_ASSERT(!lg__m() || lg__m()->strand == ch->strand ||
                  lg__strand_is_closing(ch->strand));
        return;
    }
    lg__lock(&ch->lock, RANK_SYNC);
}

void lg__chan_unlock(struct lg_chan *ch) LG_UNCHECKED_LOCKING
{
    if (!ch->strand) {
        lg__unlock(&ch->lock, RANK_SYNC);
    }
}

static inline uint32_t len_locked(struct lg_chan *ch)
{
    // relaxed: written under the lock that we hold
    return atomic_load_explicit(&ch->len, memory_order_relaxed);
}

static inline void set_len_locked(struct lg_chan *ch, uint32_t len)
{
    // relaxed: a hint for those without the lock
    atomic_store_explicit(&ch->len, len, memory_order_relaxed);
}

static inline bool is_closed_locked(struct lg_chan *ch)
{
    // relaxed: as above
    return atomic_load_explicit(&ch->is_closed, memory_order_relaxed);
}

// Tells those without the lock whether anybody waits.
static void publish_queues_locked(struct lg_chan *ch)
{
    // relaxed: hints
    atomic_store_explicit(&ch->has_recvq, !lg__list_is_empty(&ch->recvq),
                          memory_order_relaxed);
    atomic_store_explicit(&ch->has_sendq, !lg__list_is_empty(&ch->sendq),
                          memory_order_relaxed);
}

// ---------------------------------------------------------------------------
// The two operations
// ---------------------------------------------------------------------------

static struct waiter *claim_locked(struct lg_chan *ch, struct list *queue,
                                   const struct lg_g *self)
{
    if (lg__list_is_empty(queue)) {
        return NULL;
    }
    struct waiter *w = lg__waitq_claim(queue, WAKE_READY, self);
    publish_queues_locked(ch);
    return w;
}

int lg__chan_send_locked(struct lg_chan *ch, const void *elem, const struct lg_g *self,
                         struct lg_g **out_fire)
{
    if (is_closed_locked(ch)) {
        return LG_ECLOSED;
    }
    struct waiter *w = claim_locked(ch, &ch->recvq, self);
    if (w) {
        copy_elem(ch, w->elem, elem);
        *out_fire = w->g;
        return LG_OK;
    }
    uint32_t len = len_locked(ch);
    if (len == ch->cap) {
        return LG_EAGAIN;
    }
    copy_elem(ch, lg__chan_slot_at(ch, len), elem);
    set_len_locked(ch, len + 1);
    return LG_OK;
}

// An element has left a place where the collector may not have come by yet, perhaps
// for a stack that it has scanned. (What a goroutine sends lies on its own stack, which
// was scanned before it ran: it has been found.)
static LG_NOINLINE void shade_taken(const struct lg_chan *ch, const void *elem)
{
    if (elem && lg__chan_may_hold_refs(ch)) {
        lg__nostop_enter();
        lg__gc_shade_words(ch->rt, elem, ch->elem_size);
        lg__nostop_leave();
    }
}

// In this order: we may be stopped anywhere here, and a cycle begin. Before the copy,
// we see it now; after, it has found the element with us. (What a sender that waits
// gives may lie where the collector has not looked yet, and never will if the sender
// is dropped with its strand.)
static inline void shade_if_marking(const struct lg_chan *ch, const void *elem)
{
    atomic_signal_fence(memory_order_seq_cst);
    // relaxed: written while we are stopped
    if (LG_UNLIKELY(atomic_load_explicit(&ch->rt->is_marking, memory_order_relaxed))) {
        shade_taken(ch, elem);
    }
}

// Takes the oldest element out of the buffer; a waiting sender moves up.
static void take_buffered_locked(struct lg_chan *ch, void *elem, const struct lg_g *self,
                                 struct lg_g **out_fire)
{
    copy_elem(ch, elem, lg__chan_slot_at(ch, 0));
    shade_if_marking(ch, elem);
    ch->first = ch->first + 1 == ch->cap ? 0 : ch->first + 1;
    uint32_t len = len_locked(ch) - 1;
    struct waiter *w = claim_locked(ch, &ch->sendq, self);
    if (w) {
        copy_elem(ch, lg__chan_slot_at(ch, len), w->elem);
        *out_fire = w->g;
        len++;
    }
    set_len_locked(ch, len);
}

int lg__chan_recv_locked(struct lg_chan *ch, void *elem, const struct lg_g *self,
                         struct lg_g **out_fire)
{
    if (len_locked(ch) > 0) {
        take_buffered_locked(ch, elem, self, out_fire);
        return LG_OK;
    }
    struct waiter *w = claim_locked(ch, &ch->sendq, self);
    if (w) {
        copy_elem(ch, elem, w->elem);
        shade_if_marking(ch, elem);
        *out_fire = w->g;
        return LG_OK;
    }
    if (is_closed_locked(ch)) {
        lg__chan_zero(ch, elem);
        return LG_ECLOSED;
    }
    return LG_EAGAIN;
}

bool lg__chan_looks_ready(struct lg_chan *ch, lg_op op)
{
    // acquire: hints, in this order, is_closed last: a channel only ever goes
    // from not closed to closed, so one that looked empty and then open was
    // both when the length was read. The operation looks again under the lock.
    uint32_t len = atomic_load_explicit(&ch->len, memory_order_acquire);
    bool has_room = op == LG_SEND ? len < ch->cap : len > 0;
    _Atomic bool *has_partner = op == LG_SEND ? &ch->has_recvq : &ch->has_sendq;
    return has_room || atomic_load_explicit(has_partner, memory_order_acquire) ||
           atomic_load_explicit(&ch->is_closed, memory_order_relaxed);
}

bool lg__chan_is_ready_locked(struct lg_chan *ch, lg_op op, const struct lg_g *self)
{
    if (is_closed_locked(ch)) {
        return true;
    }
    if (op == LG_SEND) {
        return len_locked(ch) < ch->cap || lg__waitq_has_other(&ch->recvq, self);
    }
    return len_locked(ch) > 0 || lg__waitq_has_other(&ch->sendq, self);
}

void lg__chan_enqueue_locked(struct lg_chan *ch, lg_op op, struct lg_g *g,
                             struct waiter *w)
{
    w->owner = ch;
    lg__waitq_push(op == LG_SEND ? &ch->sendq : &ch->recvq, g, w);
    publish_queues_locked(ch);
}

void lg__chan_unhook(struct lg_chan *ch, struct waiter *w)
{
    lg__chan_lock(ch);
    lg__waitq_unlink(w);
    publish_queues_locked(ch);
    lg__chan_unlock(ch);
}

// ---------------------------------------------------------------------------
// Blocking
// ---------------------------------------------------------------------------

static int finish(struct lg_g *g, enum wake wake)
{
    struct waiter *w = &g->op.waiter;
    struct lg_chan *ch = w->owner;
    // Otherwise the channel may be gone already.
    if (wake != WAKE_READY && wake != WAKE_CLOSED) {
        lg__chan_unhook(ch, w);
    }
    return lg__wake_result(wake);
}

// The operation would wait: joins the queue, opens the lock and waits.
static LG_NOINLINE int wait_unlock(struct lg_chan *ch, lg_op op, void *elem,
                                   int64_t deadline_ns) LG_RELEASES(ch->lock)
{
    struct lg_g *g = lg__g_self();
    if (!lg__wait_begin(g)) {
        lg__chan_unlock(ch);
        return LG_ECANCELED;
    }
    struct waiter *w = &g->op.waiter;
    w->elem = elem;
    w->mode = (uint16_t)op;
    w->which_case = 0;
    lg__chan_enqueue_locked(ch, op, g, w);
    lg__chan_unlock(ch);
    return lg__wait_for(g, op == LG_SEND ? "chan send" : "chan receive", deadline_ns,
                        finish);
}

// An operation that has not waited. What waits is a park, and is done by its partner.
static LG_NOINLINE void trace_done_unlock(struct lg_chan *ch, lg_trace_kind kind, int rc,
                                          struct lg_g *partner) LG_RELEASES(ch->lock)
{
    struct trace_op op = {
        .partner = partner ? lg__g_id(partner) : 0,
        .len = len_locked(ch),
        .is_closed = rc == LG_ECLOSED,
    };
    lg__chan_unlock(ch);
    if (rc == LG_OK || rc == LG_ECLOSED) {
        lg__trace_chan(ch->rt, kind, &ch->number, &op);
    }
}

int lg_chan_send(lg_chan *ch, const void *elem, int64_t deadline_ns)
{
    if (deadline_ns != 0 && lg__take_cancel()) {
        return LG_ECANCELED;
    }
    if (deadline_ns == 0 && !lg__chan_looks_ready(ch, LG_SEND)) {
        return LG_EAGAIN;
    }
    struct lg_g *fire = NULL;
    lg__chan_lock(ch);
    int rc = lg__chan_send_locked(ch, elem, NULL, &fire);
    if (rc == LG_EAGAIN && deadline_ns != 0) {
        void *from = (void *)(uintptr_t)elem; // only ever read
        return wait_unlock(ch, LG_SEND, from, deadline_ns);
    }
    if (lg__trace_is_whole(ch->rt)) {
        trace_done_unlock(ch, LG_TRACE_SEND, rc, fire);
    } else {
        lg__chan_unlock(ch);
    }
    if (fire) {
        lg__wait_fire(fire);
    }
    return rc;
}

int lg_chan_recv(lg_chan *ch, void *elem, int64_t deadline_ns)
{
    if (deadline_ns != 0 && lg__take_cancel()) {
        return LG_ECANCELED;
    }
    if (deadline_ns == 0 && !lg__chan_looks_ready(ch, LG_RECV)) {
        return LG_EAGAIN;
    }
    struct lg_g *fire = NULL;
    lg__chan_lock(ch);
    int rc = lg__chan_recv_locked(ch, elem, NULL, &fire);
    if (rc == LG_EAGAIN && deadline_ns != 0) {
        return wait_unlock(ch, LG_RECV, elem, deadline_ns);
    }
    if (lg__trace_is_whole(ch->rt)) {
        trace_done_unlock(ch, LG_TRACE_RECV, rc, fire);
    } else {
        lg__chan_unlock(ch);
    }
    if (fire) {
        lg__wait_fire(fire);
    }
    return rc;
}

// ---------------------------------------------------------------------------
// The rest
// ---------------------------------------------------------------------------

static void zero_all(struct lg_chan *ch, struct list *receivers)
{
    for (struct node *node = receivers->first; node; node = node->next) {
        lg__chan_zero(ch, LG_CONTAINER_OF(node, struct waiter, node)->elem);
    }
}

int lg_chan_close(lg_chan *ch)
{
    struct list woken = {0};
    lg__chan_lock(ch);
    bool was_closed = is_closed_locked(ch);
    if (!was_closed) {
        // relaxed: a hint for those without the lock
        atomic_store_explicit(&ch->is_closed, true, memory_order_relaxed);
        lg__waitq_claim_all(&ch->recvq, WAKE_CLOSED, &woken);
        zero_all(ch, &woken);
        lg__waitq_claim_all(&ch->sendq, WAKE_CLOSED, &woken);
        publish_queues_locked(ch);
    }
    lg__chan_unlock(ch);
    if (lg__trace_is_whole(ch->rt)) {
        struct trace_op op = {.len = 0};
        lg__trace_chan(ch->rt, LG_TRACE_CLOSE, &ch->number, &op);
    }
    lg__waitq_fire_all(&woken);
    return was_closed ? LG_ECLOSED : LG_OK;
}

size_t lg_chan_len(const lg_chan *ch)
{
    // relaxed: true at some moment
    return atomic_load_explicit(&ch->len, memory_order_relaxed);
}

size_t lg_chan_cap(const lg_chan *ch)
{
    return ch->cap;
}

bool lg_chan_is_closed(const lg_chan *ch)
{
    // relaxed: true at some moment
    return atomic_load_explicit(&ch->is_closed, memory_order_relaxed);
}
