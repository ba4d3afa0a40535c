// SPDX-License-Identifier: MIT
//
// The host's thread: the one that drives, by lg_update() or lg_drive(), and what is
// pinned to it.
//
// A runtime is *hosted* from the first lg_update() or pinned goroutine on. What is pinned
// stands in no P's queue, where other Ms would have to pass it over, but in the host's:
// `ready`, which is the driver's alone, and `inbox`, onto which all others push. With
// more than one of `procs` the host's thread is *apart*: it runs nothing else, our own
// Ms run the rest on one P less, and the host has a P of its own, in excess. Nobody else
// takes that one, so an update never waits for a P. With one of procs there are no
// other Ms, and the driver runs everything. docs/decisions/host_thread.md.
//
// Who wakes the host, seq_cst throughout; `where` says what it does:
//
//    who pushes                           the host's thread
//    ----------                           -----------------
//    pushes onto inbox                    where = OUT (an update is over), or
//    where is OUT: one CAS makes it         ASLEEP (in lg_drive())
//      TOLD, and on_wake is called        looks at inbox: is there something, the
//    where is ASLEEP: wakes it              report says so, or it does not sleep
//
// In the single order of seq_cst operations one of them comes first, so one of the two
// notices the other; and on_wake is called once at most until the next update.
// Modelled in spec/models/update.pml.
#ifndef LG_SCHED_HOST_H
#define LG_SCHED_HOST_H

#include "sched/m.h"
#include "sched/runtime.h"

// An update in progress. Its thread only.
struct update {
    int64_t deadline_ns; // on the system's clock
    int64_t now_ns;      // when the last step ended
    uint64_t nsteps;
    int64_t longest_ns;
    lg_ref longest;
    lg_ref stepping; // whose step has begun
    bool is_stepping;
    bool has_given_way; // to who stops the world
};

LG_INLINE bool lg__host_is_on(struct lg_runtime *rt)
{
    // relaxed: set once; who sees it late does as before for one round more
    return atomic_load_explicit(&rt->host.is_on, memory_order_relaxed);
}

// Whether the host's thread runs only what is pinned to it.
LG_INLINE bool lg__host_is_apart(struct lg_runtime *rt)
{
    // relaxed: changed under the lock; its driver sees it a round later
    return atomic_load_explicit(&rt->host.is_apart, memory_order_relaxed);
}

// Makes the runtime a hosted one, if it is none yet. LG_OK or LG_ENOMEM.
int lg__host_open(struct lg_runtime *rt);

// How many Ps are for Ms of our own and a driver that is not apart, of `procs`.
uint32_t lg__host_share_locked(struct lg_runtime *rt, uint32_t procs)
    LG_REQUIRES(rt->lock);

// Queues what is pinned, and tells the host if it may not come to it by itself.
void lg__host_push(struct lg_runtime *rt, struct runnable *r);

// Something that any M may run was queued from outside: tells a host that would have to
// run it itself.
void lg__host_tell_alone(struct lg_runtime *rt);

// Tells the host, if it does not drive: what waits for it was not pushed just now.
void lg__host_tell(struct lg_runtime *rt);

// The host's thread has driven, and what it has left in its queue nobody tells of.
void lg__host_tell_left(struct lg_runtime *rt);

// Somebody stops the world: an update does not wait for the others who are to stop, and
// leaves. Returns NULL.
struct runnable *lg__host_give_way(struct m *m);

// What the driver of a hosted runtime does next.
enum host_turn {
    HOST_RUNS,     // what it was given
    HOST_LOOKS_UP, // at the interrupts: it has slept
    HOST_LEAVES,   // its loop
};
enum host_turn lg__host_next(struct m *m, struct runnable **out);

// Takes the oldest of what is pinned; NULL: there is none. The driver.
struct runnable *lg__host_pop(struct host *h);

// Moves the inbox behind `ready`. The driver, or with the lock while there is none.
void lg__host_take_inbox(struct host *h);

// Looks at the poll set if that is the host's business.
void lg__host_look_at_pollset(struct lg_runtime *rt);

// Whether what is pinned waits to be run. seq_cst, for who goes to sleep.
bool lg__host_has_work(struct lg_runtime *rt);

// The driver, on its way to sleep: who pushes from here on wakes it. It looks whether
// something is there after this.
void lg__host_goes_to_sleep(struct lg_runtime *rt);
void lg__host_is_up(struct lg_runtime *rt);

// A P for the driver: an idle one if it runs everything, or the host's own.
struct p *lg__host_take_p_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock);

// Takes what is pinned out of its queue, while nobody drives. False: it is not there.
bool lg__host_forget_locked(struct lg_runtime *rt, struct runnable *r)
    LG_REQUIRES(rt->lock);

// Whether an update would find anything to do now. The host's thread, outside.
bool lg__host_has_due(struct lg_runtime *rt);

// Runs the loop on the calling thread for an update. LG_OK or LG_ENOMEM.
int lg__host_run(struct lg_runtime *rt, struct update *update);

// How many goroutines an update would go on with. The host's thread, outside.
uint64_t lg__host_count_ready(struct lg_runtime *rt);

// The first moment at which an update has something to do although nobody says so, on
// the system's clock; LG_NEVER.
int64_t lg__host_next_ns(struct lg_runtime *rt);

// Makes the calling thread the host's, for a driver, and lets it go.
void lg__host_enter(struct lg_runtime *rt);
bool lg__host_try_enter(struct lg_runtime *rt); // false: another thread is
void lg__host_leave(struct lg_runtime *rt);

// A step of g's begins, or a call's (NULL), on an M that may be in an update.
LG_INLINE void lg__update_begin_step(struct m *m, struct lg_g *g)
{
    struct update *u = m->update;
    if (LG_UNLIKELY(u)) {
        u->stepping = (lg_ref){.g = g, .id = g ? lg__g_id(g) : 0};
        u->is_stepping = true;
    }
}

// Notes the step that has ended, if one was begun. True: the budget is spent.
bool lg__update_look(struct update *u);

LG_INLINE bool lg__update_is_over(struct m *m)
{
    return LG_UNLIKELY(m->update) && lg__update_look(m->update);
}

#endif // LG_SCHED_HOST_H
