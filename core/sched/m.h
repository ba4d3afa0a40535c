// SPDX-License-Identifier: MIT
//
// M: an OS thread that runs goroutines. It holds a P while it does.
//
// The scheduler's loop never runs on the thread's own stack but on a mapped
// one, which a scripted goroutine that waits with C frames below it may keep
// ("donate"); the M then goes on on a fresh one. So the M's loop and its stack
// may part, and code of the loop re-reads everything through lg__m() after
// anything that may have switched; a switch carries its M to the context that it
// enters.
//
// What a context leaves to be done after it has been left (its goroutine may
// not be published before its registers are saved) is noted in `prev` and
// `after`; whoever continues on this M does it first, in lg__m_after_switch().
#ifndef LG_SCHED_M_H
#define LG_SCHED_M_H

#include "base/base.h"
#include "base/list.h"
#include "os/ctx.h"
#include "os/note.h"
#include "os/registers.h"
#include "os/suspend.h"
#include "os/thread.h"
#include "os/tls.h"
#include "sched/g.h"
#include "sched/p.h"
#include "sched/profile.h"

// Go's number: more threads are a mistake.
enum { MS_MAX = 10000 };

enum after {
    AFTER_NOTHING,
    AFTER_PARK,     // commit prev's wait
    AFTER_YIELD,    // prev goes to the end of the queue
    AFTER_GIVE_WAY, // prev goes on behind those beside the order (sched/order.h)
    AFTER_EXIT,     // prev has ended: its stack and record are free
    AFTER_STACK,    // old_stack, a scheduler's, is free
};

struct m {
    struct mcache *mcache; // of p; first, where the allocator finds it (mem/mcache.h)
    struct lg_runtime *rt;
    struct p *p;              // NULL while idle
    struct lg_g *g;           // the running goroutine; NULL in the loop
    struct lg_strand *strand; // the strand it is inside of
    struct ctx loop;          // where the loop was left, on loop_stack
    struct stack *loop_stack;
    struct ctx thread; // where the thread left its own stack

    enum after after;
    struct lg_g *prev;
    struct ctx old_ctx; // of old_stack
    struct stack *old_stack;
    struct runnable *next; // for the loop to run: picked by a goroutine, or placed
    struct update *update; // that it is in (sched/host.h); NULL: none
    uint32_t number;       // of threads of our own, from 1 on; 0: the host's
    bool is_driver;        // the host's thread, in lg_drive() or lg_update()
    bool is_placing;       // by a job, in lg__job_run()

    // -- its thread; others read it after they have taken its P (sched/block.c) --
    uint32_t nblocks;    // lg_block_enter(), nested
    struct p *blocked_p; // that it had then
    struct registers blocked_registers;
    _Atomic bool is_taken; // somebody has taken that P, and is done with the M

    // The only one that it runs; NULL: any (sched/wire.h). Changed under the sched lock.
    _Atomic(struct runnable *) wired;

    int *errno_at;             // errno of its thread
    void (*errand)(void *arg); // all that it is there for (sched/errand.h); or NULL
    void *errand_arg;
    bool is_spinning;     // counted in nspinning
    void *altstack;       // for signals
    struct thread handle; // of an M of our own

    struct due_sample due; // for profiles

    // -- sched lock --
    struct node node; // in the list of idle Ms
    bool is_idle;
    struct p *given_p; // by whoever woke it
    bool given_spinning;
    struct runnable *wired_run; // passed on to it
    bool is_wired_asleep;       // waits for that
    bool must_end;              // taken out of the idle list for good (sched/reap.c)
    bool has_ended;             // its thread is about to
    int64_t idle_since_ns;
    struct m *next_made;     // all Ms of our own
    struct node inside_node; // in the world's list
    bool is_inside;          // of the world
    bool is_blocked;         // in the world's list of those, with the same node

    // -- its thread; others read it while it is stopped (sched/world.c) --
    bool is_stopper;
    pthread_t thread_handle; // from when it is inside
    struct suspendable suspendable;
    const void *stopped_sp;                  // its stack from here up is complete
    const struct interruption *interruption; // NULL: stopped by itself
    _Atomic uint32_t stopped_at;             // the turn in which it has stopped

    struct note note; // sleeps here
};

// What the context that runs leaves to be done when it is left. A signal handler
// looks at it, on this thread: what is written before is written, what comes after
// comes after.
LG_INLINE void lg__m_set_after(struct m *m, enum after after)
{
    atomic_signal_fence(memory_order_seq_cst);
    m->after = after;
    atomic_signal_fence(memory_order_seq_cst);
}

// What it runs. Others may glimpse at it (stopper.c); it reads what it wrote itself.
LG_INLINE void lg__m_set_g(struct m *m, struct lg_g *g)
{
    // release: pairs with the acquire in profile.c:look_at(), which finds a record that is
    // filled. Others who look from outside want a guess, and records stay
    __atomic_store_n(&m->g, g, __ATOMIC_RELEASE);
}

// The calling thread's M; NULL outside a runtime.
LG_INLINE struct m *lg__m(void)
{
    return lg__tls_get();
}

// What it is wired to.
LG_INLINE struct runnable *lg__m_wired(struct m *m)
{
    // relaxed: its own doing, or that of who closes the strand: then it looks again
    return atomic_load_explicit(&m->wired, memory_order_relaxed);
}

// Gives the M a P, or NULL: the only way in which it gets and loses one.
LG_INLINE void lg__m_set_p(struct m *m, struct p *p)
{
    // relaxed: a guess for sysmon
    if (m->p) {
        atomic_store_explicit(&m->p->m, NULL, memory_order_relaxed);
    }
    if (p) {
        atomic_store_explicit(&p->m, m, memory_order_relaxed);
    }
    m->p = p;
    m->mcache = p ? &p->mcache : NULL;
}

// Runs the loop on the calling thread until it must leave. m->p may be NULL.
// LG_OK or LG_ENOMEM.
int lg__m_enter(struct m *m);

// Leaves the running loop's stack for the thread's. Does not return.
_Noreturn void lg__m_leave(void);

// Does what the context that was left has left to be done. m: the calling
// thread's.
void lg__m_after_switch(struct m *m);

// Gives the M a fresh loop stack, on which `entry` will run; NULL: there is none.
struct stack *lg__m_new_loop_for(struct m *m, ctx_entry *entry);

// The same, for the scheduler's loop.
struct stack *lg__m_new_loop(struct m *m);

// Takes it back, if it has one and has not run on it.
void lg__m_free_loop(struct m *m);

// Where a loop stack starts (sched/sched.c).
ctx_entry *lg__loop_entry(void);

// The main function of an M of our own.
void lg__m_main(void *arg);

#endif // LG_SCHED_M_H
