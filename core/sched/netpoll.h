// SPDX-License-Identifier: MIT
//
// The netpoller's half in the scheduler: who waits for the outside, and how.
//
// A strand whose goroutines wait for I/O has a loop (sched/poller.h). While it is busy it
// turns that loop itself, when it has nothing else to do and now and then in between. Before it
// goes idle it arms the loop's descriptor in the runtime's poll set; when that tells,
// whoever looks at the set posts the loop's turn into the strand, like anything else that
// comes from outside:
//
//    strand, inside               who looks at the set
//    --------------               --------------------
//    is_armed: false -> true
//    arms the descriptor
//    leaves the inbox IDLE        is told, once
//                                 is_armed: true -> false
//                                 posts the turn: queues the strand if it was idle
//                                 counts it out of narmed
//
// So a strand that is armed is idle, or busy with other things, or has the post.
//
// Who looks: an M that finds no other work; every 61st round; sysmon, if nobody has for
// 10 ms. Of the Ms that go to sleep one at a time sleeps in the set instead of on its note. The
// story of who wakes that one (lg__m_wake), seq_cst throughout:
//
//    waker                        sleeper
//    -----                        -------
//    sets its note                says that it is the sleeper
//    is it the sleeper?           takes its note back if it is set, and stays awake
//    yes: rings the set's bell    sleeps in the set
//
// Somebody sleeps there whenever all Ms sleep and narmed > 0: an M that arms looks for
// work afterwards or sleeps, and so does the sleeper when it was woken. Who leaves instead (the
// driver, an M in a blocking call or with a wire) wakes another if nobody sleeps there.
// Modelled in spec/models/netpoll.pml.
#ifndef LG_SCHED_NETPOLL_H
#define LG_SCHED_NETPOLL_H

#include "base/base.h"
#include "lagoon.h"
#include "os/lock.h"
#include "os/pollset.h"

struct lg_runtime;
struct lg_strand;
struct m;

enum {
    NETPOLL_BATCH = LG_SIZED(64, 2),    // strands that are told of at a time
    NETPOLL_ROUNDS = LG_SIZED(61, 3),   // of a busy strand between two turns of its loop
    NETPOLL_LOOK_NS = 10 * 1000 * 1000, // sysmon looks if nobody has for so long
};

// A strand's place in the poll set. The M inside, but for what says otherwise.
struct polled {
    void *loop; // io's; NULL: the strand has none
    int fd;     // the loop's
    uint64_t tag;
    uint32_t nrounds;
    lg_post post;          // the loop's turn
    _Atomic bool is_armed; // any thread, with narmed
};

struct netpoll_slot {
    struct lg_strand *strand; // NULL: free
    uint32_t generation;      // of the tags that name it
};

struct netpoll {
    struct lock lock;
    // -- lock --
    struct netpoll_slot *slots;
    uint32_t nslots;
    // -- written with the lock; read by who has seen narmed > 0 --
    bool is_open;
    struct pollset set;
    // -- any thread, seq_cst (sched/idle.h) --
    _Atomic uint32_t narmed;     // strands that wait for the outside
    _Atomic(struct m *) sleeper; // the M that sleeps in the set
    // -- any thread, relaxed --
    _Atomic int64_t looked_ns; // when somebody last looked, on the system's clock
};

// Gives a strand, inside, its loop. LG_OK, or LG_ENOMEM.
int lg__netpoll_enlist(struct lg_strand *s, void *loop, int fd);

// Ends that, with the loop. Nobody is inside.
void lg__netpoll_delist(struct lg_strand *s);

void lg__netpoll_fini(struct lg_runtime *rt);

// Inside a strand that has a loop and nothing else to do: turns the loop if need be, and
// sees to it that the set tells of it. True: there is something to do.
bool lg__netpoll_settle(struct lg_strand *s);

// Whether that has nothing to see to.
bool lg__netpoll_is_settled(struct lg_strand *s);

// Inside a busy strand that has a loop, every round.
void lg__netpoll_glance(struct lg_strand *s);

// Whether anybody waits for the outside: nothing is dead then.
bool lg__netpoll_is_awaited(struct lg_runtime *rt);

// Whether somebody does and no M sleeps in the set: who leaves for long wakes another.
bool lg__netpoll_is_unattended(struct lg_runtime *rt);

// For sysmon: looks if that is so for long.
void lg__netpoll_look_after(struct lg_runtime *rt);

// Looks at the set without waiting, and queues what it tells of. Any thread.
void lg__netpoll_look(struct lg_runtime *rt);

// Sleeps as lg__note_sleep() on the M's note, in the set if that is nobody else's. Returns how
// many tags stand in told, for lg__netpoll_queue().
int lg__netpoll_sleep(struct m *m, int64_t timeout_ns, uint64_t told[NETPOLL_BATCH]);

// Queues the strands that were told of.
void lg__netpoll_queue(struct lg_runtime *rt, const uint64_t *told, int ntold);

// Wakes an M that sleeps. It may be up and gone meanwhile: nothing of it but its note is
// touched.
void lg__m_wake(struct lg_runtime *rt, struct m *m);

#endif // LG_SCHED_NETPOLL_H
