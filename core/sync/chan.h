// SPDX-License-Identifier: MIT
//
// Channels: a ring of elements, and two queues of goroutines.
//
//   recvq is not empty only if nothing is buffered and no sender waits;
//   sendq is not empty only if the buffer is full;
//   a closed channel has no waiters.
//
// (A waiter that has lost its goroutine may still stand in a queue; it counts
// for nothing.) `lock` guards all of it. A channel of a strand is touched by
// the M inside only and takes no lock, until it is shared, once and for all. len
// and is_closed may be read without the lock, as hints that are looked at again
// under it.
//
// The buffer of a channel that nobody's memory keeps is a root of the collector.
// The slots of one that was shared are in an object, alive with whoever holds that.
// In both cases who takes an element out shades it.
#ifndef LG_SYNC_CHAN_H
#define LG_SYNC_CHAN_H

#include "lagoon.h"
#include "os/lock.h"
#include "sched/runtime.h"
#include "sched/waiter.h"

struct lg_chan {
    // -- fixed; strand changes once, to NULL, before others know the channel --
    struct lg_strand *strand; // NULL: anybody may use it, with the lock
    uint32_t elem_size;
    uint32_t cap;
    struct lock lock;
    // -- lock to write, anyone reads --
    _Atomic uint32_t len;
    _Atomic bool is_closed;
    _Atomic bool has_recvq; // somebody stands in recvq
    _Atomic bool has_sendq;
    // -- lock --
    uint32_t first; // slot of the oldest element
    struct list recvq;
    struct list sendq;
    // -- fixed --
    struct lg_runtime *rt;
    _Atomic uint32_t number; // in traces; 0: none yet. relaxed
    struct node node;        // in the runtime's list, guarded by chans_lock
    unsigned char *slots;    // cap elements: own_slots, or an object of the collector
    alignas(16) unsigned char own_slots[];
};

// The slot so many behind the oldest element.
LG_INLINE void *lg__chan_slot_at(struct lg_chan *ch, uint32_t offset)
{
    uint64_t at = (uint64_t)ch->first + offset;
    if (at >= ch->cap) {
        at -= ch->cap;
    }
    return ch->slots + at * ch->elem_size;
}

// Elements may be references, or hold some, if they have whole words.
LG_INLINE bool lg__chan_may_hold_refs(const struct lg_chan *ch)
{
    return !ch->strand && ch->elem_size >= sizeof(void *) &&
           ch->elem_size % sizeof(void *) == 0;
}

// What the collector asks: visits the buffers of all channels but those of strands.
void lg__chans_visit(struct lg_runtime *rt, scan_range *visit, void *ud);

// Frees the channels that are left, on a runtime where nothing runs.
void lg__chans_free(struct lg_runtime *rt);

// One half of an operation under the lock: done, LG_ECLOSED, or LG_EAGAIN.
// *out_fire is set to a goroutine that must be fired when the lock is open.
// Waiters of `self` are no partners.
int lg__chan_send_locked(struct lg_chan *ch, const void *elem, const struct lg_g *self,
                         struct lg_g **out_fire) LG_REQUIRES(ch->lock);
int lg__chan_recv_locked(struct lg_chan *ch, void *elem, const struct lg_g *self,
                         struct lg_g **out_fire) LG_REQUIRES(ch->lock);

void lg__chan_lock(struct lg_chan *ch) LG_ACQUIRES(ch->lock);
void lg__chan_unlock(struct lg_chan *ch) LG_RELEASES(ch->lock);

// Puts a waiter of an armed wait into the queue of its operation.
void lg__chan_enqueue_locked(struct lg_chan *ch, lg_op op, struct lg_g *g,
                             struct waiter *w) LG_REQUIRES(ch->lock);

// Takes a waiter back, if it still stands in a queue.
void lg__chan_unhook(struct lg_chan *ch, struct waiter *w);

// Whether an operation looks as if it could be done at once.
bool lg__chan_looks_ready(struct lg_chan *ch, lg_op op);

// The same under the lock, for somebody who would not deal with himself.
bool lg__chan_is_ready_locked(struct lg_chan *ch, lg_op op, const struct lg_g *self)
    LG_REQUIRES(ch->lock);

// Fills an element of a closed channel.
void lg__chan_zero(const struct lg_chan *ch, void *elem);

#endif // LG_SYNC_CHAN_H
