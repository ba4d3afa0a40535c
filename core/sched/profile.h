// SPDX-License-Identifier: MIT
//
// Profiles: what goroutines use of the CPU, and where they wait (lg_profile_start()).
//
// A thread, the sampler, looks at each M some hundred times a second: how much CPU time its
// thread has used since, and which goroutine it is with. A native goroutine is told of at
// once. What a scripted one has used is left with the M, and its interpreter is told of it
// at the next place where its stack can be read: it is interrupted for that (the strand's
// `sample`), and else asked when it waits or ends.
//
// What was left with an M when a profile ended is not for the next one: the first look at it
// there forgets it, and before that nobody tells of it.
//
// Waits are no samples: the trace points (sched/trace.h) say when each begins and ends, and
// it is told of when its goroutine runs again, still standing where it waited. Of those that
// are shorter than some length only some are, and count for the others, as in Go.
//
// Off, all that is the branch that the trace points have anyway.
#ifndef LG_SCHED_PROFILE_H
#define LG_SCHED_PROFILE_H

#include "base/base.h"
#include "lagoon.h"
#include "os/note.h"
#include "os/thread.h"
#include "os/ticks.h"
#include "sched/use.h"

struct interruption;
struct lg_g;
struct lg_runtime;
struct m;
struct rand;

// What an M's goroutine has used, and was not told of yet.
struct due_sample {
    // -- added to by the sampler, taken by the M; relaxed: sums --
    _Atomic uint32_t count;
    _Atomic int64_t cpu_ns;
    _Atomic int64_t wall_ns;
    // -- the world's lock --
    int64_t seen_cpu_ns;      // of the M's thread, when that was last looked at
    _Atomic uint32_t session; // in which that was; relaxed: others compare it
};

struct profile {
    // -- who starts and stops; the others see it on after that (acquire) --
    void (*write)(void *ud, const lg_profile_sample *sample);
    void *ud;
    int64_t period_ns;
    struct thread sampler;
    // -- the same; who comes late from one profile may find the next one's: relaxed --
    _Atomic uint32_t session;
    _Atomic int64_t wait_ns;   // waits of that length and more are all told of
    _Atomic uint64_t begun_at; // in ticks
    // -- the same, by the first profile alone: who is late may still read them --
    enum tick_source source;
    double ns_per_tick; // 0: there was none yet
    // -- who ends the sampler --
    _Atomic bool must_end;
    struct note note;
    // -- the world's lock --
    int64_t looked_ns; // when all Ms were last looked at
    // -- any thread, seq_cst: who is in `write` is waited for --
    _Atomic uint32_t use; // USE_*
    _Atomic uint32_t nwriting;
};

// A trace point was passed (sched/trace.c); g is whom it is about, or NULL.
void lg__profile_event(struct lg_runtime *rt, lg_trace_kind kind, struct lg_g *g);

// Whether a wait (wall_ns, at least 1) is told of: one shorter than wait_ns by chance, and then
// it stands for as many as take that long. In the mean each is one, and as long as it was.
bool lg__profile_choose(struct rand *chance, int64_t wait_ns, lg_profile_sample *sample);

// In a signal handler, on the M's thread: has the interpreter look at what is due.
void lg__profile_on_signal(struct m *m, const struct interruption *at);

#endif // LG_SCHED_PROFILE_H
