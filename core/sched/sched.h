// SPDX-License-Identifier: MIT
//
// The scheduler proper: which goroutine runs next, and the switch to it.
#ifndef LG_SCHED_SCHED_H
#define LG_SCHED_SCHED_H

#include "base/base.h"
#include "sched/m.h"
#include "sched/runtime.h"

// A record for a goroutine that the caller starts; counted. NULL: no memory.
struct lg_g *lg__g_start(struct lg_runtime *rt, const char *name, bool is_beside);

// Tells of it, when it knows what it is.
void lg__trace_start(struct lg_g *g);

// lg_go() but for the push, by the caller: lg__sched_push(rt, &(*out)->run).
int lg__go_new(struct lg_runtime *rt, void (*fn)(void *arg), void *arg,
               const lg_go_options *opts, struct lg_g **out);

// lg_go() for a goroutine of the runtime's own: nobody counts it, lists it or
// waits for it to end. It may wait when the runtime closes.
enum system_kind {
    SYSTEM_SCANNED,
    SYSTEM_COLLECTOR, // what lies on its stack keeps nothing alive
};
int lg__go_system(struct lg_runtime *rt, enum system_kind kind, void (*fn)(void *arg),
                  void *arg, const char *name);

// A goroutine has ended and nothing runs on its stack any more.
void lg__g_end(struct lg_g *g);

// Ends a goroutine that will never run again, wherever it is (its strand is
// closed).
void lg__g_drop(struct lg_g *g);

// Makes a goroutine that was waiting runnable.
void lg__sched_ready(struct lg_g *g);

// The same for one of several: in the order they came, none overtakes.
void lg__sched_ready_behind(struct lg_g *g);

// Queues new work and sees to it that an idle P hears of it. Any thread.
void lg__sched_push(struct lg_runtime *rt, struct runnable *r);

// The same, behind what its P has, so that an idle one may take it at once. Owner of a P.
void lg__sched_push_behind(struct lg_runtime *rt, struct runnable *r);

// Gives a native goroutine that has never run this stack; or one, false: there is none.
void lg__sched_give_stack(struct lg_g *g, struct stack *stack);
bool lg__sched_take_stack(struct m *m, struct lg_g *g);

// Takes the next of a P's own queue; NULL: it is empty. Owner of the P.
struct runnable *lg__sched_pop_own(struct p *p);

// Queues work that has just run, behind everything else. Owner of a P.
void lg__sched_requeue(struct runnable *r);

// Lets those pass that are beside the order of a deterministic runtime, and goes on. A
// native goroutine.
void lg__sched_give_way(void);

// The goroutine has left its stack: it waits, unless it was fired meanwhile.
void lg__sched_commit(struct lg_g *g);

// Leaves the calling native goroutine's stack for whatever runs next.
// Returns when it runs again; not at all with AFTER_EXIT.
void lg__sched_switch(struct m *m, enum after after);

// A scheduling decision of the owner of a P: another slice begins. Returns how many there
// were.
uint32_t lg__begin_round(struct p *p);

// What the owner of a P runs next of all that stands in queues; NULL: there is nothing.
struct runnable *lg__pop_any(struct m *m);

// Takes a runnable out of its queue if no thread runs anything: no driver, no M
// of our own. False: one does, or it stands in no queue yet.
bool lg__sched_forget(struct lg_runtime *rt, struct runnable *r);

#endif // LG_SCHED_SCHED_H
