// SPDX-License-Identifier: MIT
//
// What channels there are, and who waits on them, for people.
//
// The list of channels is locked meanwhile, so that none is freed. The lock of a channel
// comes before that one, so it is only tried: who holds it may be waiting for the list,
// or be suspended. Of a channel whose lock was held all the while, as of one that belongs
// to another strand, who waits is not looked at.
#include "os/cpu.h"
#include "sched/strand.h"
#include "sched/trace.h"
#include "sync/chan.h"

enum { TRIES = 64 };

static bool try_lock(struct lg_chan *ch) LG_UNCHECKED_LOCKING
{
    for (int i = 0; i < TRIES; i++) {
        uint32_t open = LOCK_OPEN;
        // acquire: pairs with the release in lg__unlock(); the queues are whole
        if (atomic_compare_exchange_strong_explicit(&ch->lock.state, &open, LOCK_HELD,
                                                    memory_order_acquire,
                                                    memory_order_relaxed)) {
            return true;
        }
        lg__cpu_pause();
    }
    return false;
}

static void unlock(struct lg_chan *ch) LG_UNCHECKED_LOCKING
{
    // release: pairs with the acquire in lg__lock()
    atomic_store_explicit(&ch->lock.state, LOCK_OPEN, memory_order_release);
}

// Those in a queue whose waits go on, of whom the first find room in the info.
static size_t count(const struct list *queue, lg_chan_info *info)
{
    size_t n = 0;
    for (struct node *node = queue->first; node; node = node->next) {
        struct waiter *w = LG_CONTAINER_OF(node, struct waiter, node);
        if (lg__waiter_is_over(w)) {
            continue;
        }
        if (info->nlisted < LG_CHAN_WAITERS) {
            info->waiters[info->nlisted++] = lg__g_id(w->g);
        }
        n++;
    }
    return n;
}

// The calling M is inside the channel's strand, or has its lock.
static void look_at_queues(struct lg_chan *ch, lg_chan_info *info)
{
    info->has_waiters = true;
    info->nreceivers = count(&ch->recvq, info);
    info->nsenders = count(&ch->sendq, info);
}

static void describe(struct lg_chan *ch, lg_chan_info *info)
{
    *info = (lg_chan_info){
        .number = lg__trace_number(ch->rt, &ch->number),
        .strand = ch->strand,
        .len = lg_chan_len(ch),
        .cap = lg_chan_cap(ch),
        .is_closed = lg_chan_is_closed(ch),
    };
}

void lg_channels(lg_runtime *rt, bool (*visit)(void *ud, const lg_chan_info *info),
                 void *ud)
{
    lg__lock(&rt->chans_lock, RANK_CHANS);
    bool goes_on = true;
    for (struct node *node = rt->chans.first; node && goes_on; node = node->next) {
        if (node == &rt->chans_cursor) {
            continue;
        }
        struct lg_chan *ch = LG_CONTAINER_OF(node, struct lg_chan, node);
        lg_chan_info info;
        describe(ch, &info);
        if (ch->strand) {
            if (lg__strand_is_inside(ch->strand)) {
                look_at_queues(ch, &info);
            }
        } else if (try_lock(ch)) {
            look_at_queues(ch, &info);
            unlock(ch);
        }
        goes_on = visit(ud, &info);
    }
    lg__unlock(&rt->chans_lock, RANK_CHANS);
}

void lg_chan_get_info(lg_chan *ch, lg_chan_info *out)
{
    describe(ch, out);
    lg__chan_lock(ch);
    look_at_queues(ch, out);
    lg__chan_unlock(ch);
}
