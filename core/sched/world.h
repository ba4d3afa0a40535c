// SPDX-License-Identifier: MIT
//
// Stopping the world: while it is stopped only the goroutine that stopped it
// runs, and nobody else touches a P.
//
// An M is *inside* from when it has got up to look for work until it goes to
// sleep in the idle list, or has left its loop. The stopper asks those that are
// inside by an interrupt and counts them down; those that are outside find the
// gate closed (lg__world_enter) and touch no P until the world starts.
//
//   stopper                              M, inside
//   -------                              ---------
//   under the lock: counts who is        at a checkpoint: sees the interrupt,
//   inside; turn is odd from here on;    notes where it stands, counts itself
//   sets the interrupt                   down, sleeps until turn has changed
//   waits until the count is 0
//                                        going to sleep, or leaving: under the
//                                        lock, out of `inside`, counted down
//
// Checkpoints are every scheduling decision, lg_checkpoint(), and the slow paths
// of the collector. A goroutine that comes to none is suspended where it is, by
// a signal, if the host allows signals (may_stop_here() says when); else the stop
// takes until it comes to one, and after 10 ms a line to on_log names it.
//
// A suspended goroutine may hold a lock of the host's (malloc's, say) that an M
// needs which cannot be suspended. So a stop that takes a millisecond lets the
// suspended go on and begins a turn of its own, a little later: `running` says for
// which turn it counts, so that nobody is counted in the wrong one. Until then no
// signal suspends anybody, sysmon's neither (is_lenient).
//
// Until the world starts the stopper must not wait, must not call what may need a
// lock of the host's (its allocator, on_log, stdio): a thread that holds one may
// have been suspended. So it makes nothing runnable either, which may start a
// thread, and takes no lock under which others call the host.
#ifndef LG_SCHED_WORLD_H
#define LG_SCHED_WORLD_H

#include "sched/m.h"
#include "sched/runtime.h"

// world.running: the low bits of a turn, and how many Ms run in it.
enum { RUNNING_COUNT_BITS = 16 };

LG_INLINE uint32_t lg__running(uint32_t turn, uint32_t count)
{
    return turn << RUNNING_COUNT_BITS | count;
}

LG_INLINE uint32_t lg__running_turn(uint32_t running)
{
    return running >> RUNNING_COUNT_BITS;
}

LG_INLINE uint32_t lg__running_count(uint32_t running)
{
    return running & ((1U << RUNNING_COUNT_BITS) - 1);
}

// Stops and starts the world (sched/stopper.c). By a goroutine, which runs on in between. If
// another one has stopped it, waits for its turn.
void lg__world_stop(struct lg_runtime *rt);
void lg__world_start(struct lg_runtime *rt);

// If somebody stops the world: waits here until it starts. The calling thread's
// M, holding no lock.
void lg__world_checkpoint_slow(struct m *m);

// Whether somebody stops the world, or has stopped it.
LG_INLINE bool lg__world_is_wanted(struct lg_runtime *rt)
{
    return LG_UNLIKELY(lg__interrupts(rt) & INTERRUPT_STOPPED_WORLD);
}

LG_INLINE void lg__world_checkpoint(struct m *m)
{
    if (lg__world_is_wanted(m->rt)) {
        lg__world_checkpoint_slow(m);
    }
}

// One step of a busy wait for what another M does, which may be stopped.
void lg__world_pause(void);

// The M is inside from here on; waits if the world is stopped.
void lg__world_enter(struct lg_runtime *rt, struct m *m);

// The M is outside.
void lg__world_leave(struct lg_runtime *rt, struct m *m);

// The same for an M in a blocking call, by another thread or by itself. What its
// goroutine had before the call is visited as if it had stopped.
void lg__world_leave_blocked(struct lg_runtime *rt, struct m *m);
void lg__world_leave_blocked_locked(struct lg_runtime *rt, struct m *m)
    LG_REQUIRES(rt->world.lock);

// Whether the world is stopped, to its last M: for assertions of the stopper.
bool lg__world_is_stopped(struct lg_runtime *rt);

// Lets Ms be suspended by signals, in this process.
void lg__world_use_signals(void);

// Whether threads of the runtime are interrupted by it.
bool lg__world_has_signals(const struct lg_runtime *rt);

#endif // LG_SCHED_WORLD_H
