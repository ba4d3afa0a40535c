// SPDX-License-Identifier: MIT
//
// What the scheduler asks the collector, which stands above it: a struct of
// functions that rt fills. Each may be NULL.
#ifndef LG_SCHED_GC_DOOR_H
#define LG_SCHED_GC_DOOR_H

struct lg_g;
struct lg_runtime;
struct p;

struct gc_door {
    // An M with P p has found no work at all and asks for some, once before it
    // spins. Returns a native goroutine that is RUNNABLE and stands in no queue,
    // which then runs there; NULL: none. It should look at lg__has_work() now and
    // then, and yield: the P does not count as idle, and nobody wakes another for
    // work that comes.
    struct lg_g *(*idle_worker)(struct lg_runtime *rt, struct p *p);

    // P p is in excess and is given up by its M, which calls this, holding no
    // lock. It may come back later. (One that is idle when it becomes excessive
    // is not reported: its slot is as its last owner left it.)
    void (*p_retired)(struct lg_runtime *rt, struct p *p);

    // sysmon looks around: starts a cycle if the last one was long ago.
    void (*look)(struct lg_runtime *rt);

    // The runtime's clock was changed, and may stand from now on.
    void (*on_clock)(struct lg_runtime *rt);
};

#endif // LG_SCHED_GC_DOOR_H
