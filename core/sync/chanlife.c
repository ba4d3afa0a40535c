// SPDX-License-Identifier: MIT
//
// Channels are made, are shared by strands, are visited by the collector, and freed.
#include "gc/mark.h"
#include "sync/chan.h"

enum { ELEM_SIZE_MAX = 65535, VISIT_BATCH = LG_SIZED(64, 2) };

// ---------------------------------------------------------------------------
// Made and freed
// ---------------------------------------------------------------------------

static size_t record_bytes(size_t elem_size, size_t cap)
{
    return sizeof(struct lg_chan) + elem_size * cap;
}

int lg_chan_new(lg_runtime *rt, lg_strand *strand, size_t elem_size, size_t cap,
                lg_chan **out)
{
    if (elem_size > ELEM_SIZE_MAX || cap > INT32_MAX) {
        return LG_EINVAL;
    }
    struct lg_chan *ch =
        lg__alloc_new_for(&rt->alloc, LG_USE_CHANS, record_bytes(elem_size, cap));
    if (!ch) {
        return LG_ENOMEM;
    }
    ch->rt = rt;
    ch->strand = strand;
    ch->elem_size = (uint32_t)elem_size;
    ch->cap = (uint32_t)cap;
    ch->slots = ch->own_slots;
    lg__lock(&rt->chans_lock, RANK_CHANS);
    lg__list_push_back(&rt->chans, &ch->node);
    // relaxed: a figure
    atomic_fetch_add_explicit(&rt->nchans, 1, memory_order_relaxed);
    lg__unlock(&rt->chans_lock, RANK_CHANS);
    *out = ch;
    return LG_OK;
}

// With the lock: after all that its last users did under it. A strand's has none, and the
// strand may be closed already.
static bool is_waited_on_now(struct lg_chan *ch) LG_UNCHECKED_LOCKING
{
    bool is_shared = !ch->strand;
    if (is_shared) {
        lg__lock(&ch->lock, RANK_SYNC);
    }
    bool is_waited_on = ch->recvq.first || ch->sendq.first;
    if (is_shared) {
        lg__unlock(&ch->lock, RANK_SYNC);
    }
    return is_waited_on;
}

void lg_chan_free(lg_chan *ch)
{
    if (!ch) {
        return;
    }
    struct lg_runtime *rt = ch->rt;
    bool is_waited_on = is_waited_on_now(ch);
    LG_MISUSE_OF_IF(rt, is_waited_on,
                    "lg_chan_free() while a goroutine waits on the channel");
    lg__lock(&rt->chans_lock, RANK_CHANS);
    lg__list_remove(&rt->chans, &ch->node);
    atomic_fetch_sub_explicit(&rt->nchans, 1, memory_order_relaxed);
    lg__unlock(&rt->chans_lock, RANK_CHANS);
    lg__alloc_free_for(&rt->alloc, LG_USE_CHANS, ch,
                       record_bytes(ch->elem_size, ch->cap));
}

// All of its buffer: what is not in use is old, and keeps alive for a cycle or two
// what it should not. Read without the lock: what comes in meanwhile has been found
// elsewhere, and who takes something out shades it.
static void visit_buffer(struct lg_chan *ch, scan_range *visit, void *ud)
{
    if (lg__chan_may_hold_refs(ch) && ch->slots == ch->own_slots && lg_chan_len(ch) > 0) {
        visit(ud, ch->slots, ch->slots + (size_t)ch->cap * ch->elem_size);
    }
}

// Moves the cursor past the next channel; NULL: there is none.
static struct lg_chan *step_locked(struct lg_runtime *rt) LG_REQUIRES(rt->chans_lock)
{
    struct node *cursor = &rt->chans_cursor;
    struct node *next = cursor->next;
    lg__list_remove(&rt->chans, cursor);
    if (!next) {
        return NULL;
    }
    lg__list_insert_after(&rt->chans, next, cursor);
    return LG_CONTAINER_OF(next, struct lg_chan, node);
}

void lg__chans_visit(struct lg_runtime *rt, scan_range *visit, void *ud)
{
    lg__lock(&rt->chans_lock, RANK_CHANS);
    lg__list_push_front(&rt->chans, &rt->chans_cursor);
    int left = VISIT_BATCH;
    for (struct lg_chan *ch; (ch = step_locked(rt));) {
        visit_buffer(ch, visit, ud);
        if (--left == 0) { // others make and free channels meanwhile
            lg__unlock(&rt->chans_lock, RANK_CHANS);
            left = VISIT_BATCH;
            lg__lock(&rt->chans_lock, RANK_CHANS);
        }
    }
    lg__unlock(&rt->chans_lock, RANK_CHANS);
}

void lg__chans_free(struct lg_runtime *rt)
{
    for (struct node *node; (node = lg__list_pop_front(&rt->chans));) {
        if (node == &rt->chans_cursor) {
            continue;
        }
        struct lg_chan *ch = LG_CONTAINER_OF(node, struct lg_chan, node);
        lg__alloc_free_for(&rt->alloc, LG_USE_CHANS, ch,
                           record_bytes(ch->elem_size, ch->cap));
    }
}

// ---------------------------------------------------------------------------
// From one strand to all
// ---------------------------------------------------------------------------

void lg_chan_each(lg_chan *ch, void (*visit)(void *ud, void *elem), void *ud)
{
    // relaxed: only the calling M changes it
    uint32_t len = atomic_load_explicit(&ch->len, memory_order_relaxed);
    for (uint32_t i = 0; i < len; i++) {
        visit(ud, lg__chan_slot_at(ch, i));
    }
    for (struct node *node = ch->sendq.first; node; node = node->next) {
        struct waiter *w = LG_CONTAINER_OF(node, struct waiter, node);
        if (!lg__waiter_is_over(w)) {
            visit(ud, w->elem);
        }
    }
}

// The buffer's order stays: it is copied as it lies. What comes into the object from
// here on is in the hands of who sends it, or has been shaded (chan.c).
void lg_chan_share(lg_chan *ch, void *slots)
{
    LG_MISUSE_OF_IF(ch->rt, !ch->strand, "lg_chan_share() of a channel of no strand");
    LG_MISUSE_OF_IF(ch->rt, ch->elem_size % sizeof(uint64_t) != 0,
                    "lg_chan_share() of a channel whose elements are no whole words");
    if (slots) {
        size_t nwords = (size_t)ch->cap * ch->elem_size / sizeof(uint64_t);
        const uint64_t *from = (const uint64_t *)(const void *)ch->slots;
        for (size_t i = 0; i < nwords; i++) {
            // relaxed: a marker may look, and finds what it misses elsewhere
            __atomic_store_n((uint64_t *)slots + i, from[i], __ATOMIC_RELAXED);
        }
    }
    // With the lock: the collector asks for both (visit_buffer()).
    lg__lock(&ch->rt->chans_lock, RANK_CHANS);
    ch->slots = slots ? slots : ch->slots;
    ch->strand = NULL;
    lg__unlock(&ch->rt->chans_lock, RANK_CHANS);
}
