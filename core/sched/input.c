// SPDX-License-Identifier: MIT
#include "sched/input.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sched/order.h"
#include "sched/park.h"
#include "sched/replay.h"
#include "sched/tracepoint.h"
#include "sched/wake.h"

// ---------------------------------------------------------------------------
// Opened and closed
// ---------------------------------------------------------------------------

static bool is_name(const char *name)
{
    size_t length = strnlen(name, LG_NAME_SIZE);
    return length > 0 && length < LG_NAME_SIZE;
}

int lg_input_open(lg_runtime *rt, const char *name, lg_input **out)
{
    struct inputs *all = &rt->inputs;
    if (!is_name(name)) {
        return LG_EINVAL;
    }
    lg_input *in = lg__alloc_new(&rt->alloc, sizeof *in);
    if (!in) {
        return LG_ENOMEM;
    }
    in->rt = rt;
    memcpy(in->name, name, strlen(name));
    lg__lock(&all->lock, RANK_INPUTS);
    in->number = ++all->nopened;
    lg__list_push_back(&all->all, &in->node);
    lg__unlock(&all->lock, RANK_INPUTS);
    lg__replay_open(in);
    *out = in;
    return LG_OK;
}

static void free_messages(struct lg_runtime *rt, struct message *m)
{
    while (m) {
        struct message *next = m->next;
        lg__alloc_free(&rt->alloc, m, sizeof *m + m->size_bytes);
        m = next;
    }
}

// Takes the input's own out of what has arrived.
static struct message *recall_locked(struct inputs *all, const lg_input *in)
    LG_REQUIRES(all->lock)
{
    struct message *mine = NULL;
    struct message *last = NULL;
    for (struct message **at = &all->arrived; *at;) {
        struct message *m = *at;
        if (m->in == in) {
            *at = m->next;
            m->next = mine;
            mine = m;
            // seq_cst: see idle.h
            atomic_fetch_sub_explicit(&all->narrived, 1, memory_order_seq_cst);
        } else {
            last = m;
            at = &m->next;
        }
    }
    all->arrived_last = last;
    return mine;
}

void lg_input_close(lg_input *in)
{
    if (!in) {
        return;
    }
    struct lg_runtime *rt = in->rt;
    struct inputs *all = &rt->inputs;
    lg__lock(&all->lock, RANK_INPUTS);
    lg__list_remove(&all->all, &in->node);
    struct message *mine = recall_locked(all, in);
    lg__unlock(&all->lock, RANK_INPUTS);
    free_messages(rt, mine);
    free_messages(rt, in->messages);
    lg__alloc_free(&rt->alloc, in, sizeof *in);
}

void lg__inputs_fini(struct lg_runtime *rt)
{
    struct node *node;
    while ((node = rt->inputs.all.first)) {
        lg_input_close(LG_CONTAINER_OF(node, struct lg_input, node));
    }
}

uint32_t lg_input_number(const lg_input *in)
{
    return in->number;
}

lg_input *lg_input_find(lg_runtime *rt, uint32_t number)
{
    struct inputs *all = &rt->inputs;
    lg_input *found = NULL;
    lg__lock(&all->lock, RANK_INPUTS);
    for (struct node *node = all->all.first; node && !found; node = node->next) {
        lg_input *in = LG_CONTAINER_OF(node, struct lg_input, node);
        found = in->number == number ? in : NULL;
    }
    lg__unlock(&all->lock, RANK_INPUTS);
    return found;
}

// ---------------------------------------------------------------------------
// By other threads
// ---------------------------------------------------------------------------

static struct message *new_message(lg_input *in, const void *bytes, size_t size_bytes)
{
    struct message *m = lg__alloc_new(&in->rt->alloc, sizeof *m + size_bytes);
    if (m) {
        m->in = in;
        m->size_bytes = (uint32_t)size_bytes;
        if (size_bytes > 0) {
            memcpy(m->bytes, bytes, size_bytes);
        }
    }
    return m;
}

// From here on whoever peeks finds it. Ends the wait of who waits.
static void hand_over(struct message *m)
{
    lg_input *in = m->in;
    struct inputs *all = &in->rt->inputs;
    lg__lock(&all->lock, RANK_INPUTS);
    m->next = NULL;
    if (in->messages) {
        in->messages_last->next = m;
    } else {
        in->messages = m;
    }
    in->messages_last = m;
    bool has_waiter = in->has_waiter;
    lg_ticket waiter = in->waiter;
    in->has_waiter = false;
    lg__unlock(&all->lock, RANK_INPUTS);
    if (has_waiter) {
        lg_ready(waiter);
    }
}

static void arrive(struct lg_runtime *rt, struct message *m)
{
    struct inputs *all = &rt->inputs;
    lg__lock(&all->lock, RANK_INPUTS);
    if (all->arrived) {
        all->arrived_last->next = m;
    } else {
        all->arrived = m;
    }
    all->arrived_last = m;
    // seq_cst: see idle.h
    atomic_fetch_add_explicit(&all->narrived, 1, memory_order_seq_cst);
    lg__unlock(&all->lock, RANK_INPUTS);
    lg__wake_if_idle(rt);
}

static int send(lg_input *in, const void *bytes, size_t size_bytes, bool is_end)
{
    struct lg_runtime *rt = in->rt;
    struct inputs *all = &rt->inputs;
    // relaxed: set before anything of the runtime runs
    if (atomic_load_explicit(&all->is_replaying, memory_order_relaxed)) {
        return LG_OK;
    }
    if (size_bytes > LG_INPUT_MAX) {
        return LG_EINVAL;
    }
    lg__lock(&all->lock, RANK_INPUTS);
    bool was_ended = in->is_sent_whole;
    in->is_sent_whole |= is_end;
    lg__unlock(&all->lock, RANK_INPUTS);
    struct message *m = was_ended ? NULL : new_message(in, bytes, size_bytes);
    if (!m) {
        return was_ended ? LG_ECLOSED : LG_ENOMEM;
    }
    m->is_end = is_end;
    if (lg__order_is_kept(rt)) {
        arrive(rt, m);
    } else {
        lg__trace(rt, LG_TRACE_INPUT, NULL, in->number, in->name);
        hand_over(m);
    }
    return LG_OK;
}

int lg_input_send(lg_input *in, const void *bytes, size_t size_bytes)
{
    return send(in, bytes, size_bytes, false);
}

int lg_input_end(lg_input *in)
{
    return send(in, NULL, 0, true);
}

// ---------------------------------------------------------------------------
// By who has the P
// ---------------------------------------------------------------------------

static struct message *take_arrived(struct inputs *all)
{
    // relaxed: a peek; who goes idle looks again
    if (LG_LIKELY(atomic_load_explicit(&all->narrived, memory_order_relaxed) == 0)) {
        return NULL;
    }
    lg__lock(&all->lock, RANK_INPUTS);
    struct message *m = all->arrived;
    all->arrived = m ? m->next : NULL;
    // seq_cst: see idle.h
    atomic_fetch_sub_explicit(&all->narrived, m != NULL, memory_order_seq_cst);
    lg__unlock(&all->lock, RANK_INPUTS);
    return m;
}

void lg__input_deliver(struct message *m)
{
    lg__trace(m->in->rt, LG_TRACE_INPUT, NULL, m->in->number, m->in->name);
    hand_over(m);
}

struct message *lg__input_message(lg_input *in, const void *bytes, size_t size_bytes)
{
    return new_message(in, bytes, size_bytes);
}

void lg__input_look(struct lg_runtime *rt)
{
    struct message *m;
    while ((m = take_arrived(&rt->inputs))) {
        lg__replay_record(m->in, m->is_end ? LOG_END : LOG_MESSAGE, m->bytes,
                          m->size_bytes);
        lg__input_deliver(m);
    }
    lg__replay_look(rt);
}

void lg__input_wake_all(struct lg_runtime *rt)
{
    struct inputs *all = &rt->inputs;
    for (;;) {
        lg_input *found = NULL;
        lg_ticket waiter;
        lg__lock(&all->lock, RANK_INPUTS);
        for (struct node *node = all->all.first; node && !found; node = node->next) {
            lg_input *in = LG_CONTAINER_OF(node, struct lg_input, node);
            if (in->has_waiter) {
                found = in;
                waiter = in->waiter;
                in->has_waiter = false;
            }
        }
        lg__unlock(&all->lock, RANK_INPUTS);
        if (!found) {
            return;
        }
        lg_ready(waiter);
    }
}

// ---------------------------------------------------------------------------
// By goroutines
// ---------------------------------------------------------------------------

static int look_locked(const lg_input *in) LG_REQUIRES(in->rt->inputs.lock)
{
    if (in->messages) {
        return in->messages->is_end ? LG_ECLOSED : LG_OK;
    }
    // relaxed: told under the lock, or by the wake that follows
    return atomic_load_explicit(&in->rt->inputs.has_diverged, memory_order_relaxed)
               ? LG_EDIVERGED
               : LG_EAGAIN;
}

int lg_input_await(lg_input *in, int64_t deadline_ns)
{
    lg_ticket ticket = lg_park_arm();
    lg__lock(&in->rt->inputs.lock, RANK_INPUTS);
    int rc = look_locked(in);
    if (rc == LG_EAGAIN && deadline_ns != 0) {
        in->waiter = ticket;
        in->has_waiter = true;
    }
    lg__unlock(&in->rt->inputs.lock, RANK_INPUTS);
    if (rc != LG_EAGAIN || deadline_ns == 0) {
        lg_park("input", 0); // takes the ticket back
        return rc;
    }
    return lg_park("input", deadline_ns);
}

int lg_input_peek(lg_input *in, const void **out, size_t *out_size)
{
    lg__lock(&in->rt->inputs.lock, RANK_INPUTS);
    int rc = look_locked(in);
    if (rc == LG_OK) {
        *out = in->messages->bytes;
        *out_size = in->messages->size_bytes;
    }
    lg__unlock(&in->rt->inputs.lock, RANK_INPUTS);
    return rc;
}

void lg_input_skip(lg_input *in)
{
    struct inputs *all = &in->rt->inputs;
    lg__lock(&all->lock, RANK_INPUTS);
    struct message *m = in->messages;
    if (m && !m->is_end) {
        in->messages = m->next;
        m->next = NULL;
    } else {
        m = NULL;
    }
    lg__unlock(&all->lock, RANK_INPUTS);
    LG_MISUSE_OF_IF(in->rt, !m, "lg_input_skip() without a message");
    free_messages(in->rt, m);
}
