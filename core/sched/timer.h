// SPDX-License-Identifier: MIT
//
// Timers: a 4-ary heap per P of moments and functions. The owner P adds; any
// thread may remove, and any M may run what is due, so each heap has a lock.
//
// A timer is in at most one heap. `home` names the heap that it is in or was
// in last; `slot` says whether it is in. Both are guarded by home's lock, so a
// remover reads home, locks it and looks whether it is still home.
#ifndef LG_SCHED_TIMER_H
#define LG_SCHED_TIMER_H

#include "base/base.h"
#include "lagoon.h"
#include "mem/alloc.h"
#include "os/lock.h"

struct timers;

struct timer {
    int64_t when_ns;
    int64_t period_ns; // 0: once
    // Called without a lock, on the scheduler's stack. cookie is the timer's
    // at the moment it fell due.
    void (*fn)(void *arg, uint64_t cookie);
    void *arg;
    uint64_t cookie;
    _Atomic(struct timers *) home; // NULL: never started
    uint32_t slot;                 // its place in the heap plus 1; 0: not in it
};

struct timer_entry {
    int64_t when_ns; // a copy: sifting touches no timer but those it moves
    struct timer *timer;
};

struct timers {
    struct lock lock;
    // -- lock --
    struct timer_entry *heap;
    uint32_t count;
    uint32_t cap;
    struct timer *running;      // whose fn is being called
    const void *running_thread; // by whom
    // -- written with the lock, read by anyone --
    _Atomic int64_t next_ns; // when the first falls due; LG_NEVER
    _Atomic uint32_t ncount; // copy of count
};

void lg__timers_init(struct timers *ts);
void lg__timers_fini(struct timers *ts, const struct alloc *alloc);

// Puts a timer that is in no heap into one. LG_OK or LG_ENOMEM.
int lg__timer_add(struct timers *ts, const struct alloc *alloc, struct timer *timer);

// Takes it out of its heap. False: it was in none.
bool lg__timer_remove(struct timer *timer);

// Waits until its function does not run on another thread than `self`.
void lg__timer_await(struct timer *timer, const void *self);

// Calls what is due at now_ns, for the thread `self`. Returns how many.
uint32_t lg__timers_run(struct timers *ts, int64_t now_ns, const void *self);

LG_INLINE int64_t lg__timers_next(struct timers *ts)
{
    // seq_cst: read by Ms that go idle, against adders (sched/idle.c)
    return atomic_load_explicit(&ts->next_ns, memory_order_seq_cst);
}

#endif // LG_SCHED_TIMER_H
