// SPDX-License-Identifier: MIT
//
// Who stands at a channel, for those who look at it from outside.
#include "sync/chan.h"

// Whether the wait goes on: not one that a timer or a canceler has ended meanwhile.
static bool is_waiting(const struct waiter *w)
{
    uint64_t word = lg__wait_load(&w->g->wait);
    return (uint32_t)lg__wait_number_of(word) == w->number &&
           (word & (WAIT_ARMED | WAIT_CLAIMED)) == WAIT_ARMED;
}

size_t lg_chan_waiters(lg_chan *ch, lg_op op, uint64_t *ids, size_t cap)
{
    size_t count = 0;
    lg__chan_lock(ch);
    const struct list *queue = op == LG_SEND ? &ch->sendq : &ch->recvq;
    for (struct node *node = queue->first; node; node = node->next) {
        const struct waiter *w = LG_CONTAINER_OF(node, struct waiter, node);
        if (is_waiting(w)) {
            if (count < cap) {
                ids[count] = lg__g_id(w->g);
            }
            count++;
        }
    }
    lg__chan_unlock(ch);
    return count;
}
