// SPDX-License-Identifier: MIT
//
// Goroutines that do something all the time and count it: what a stopped world
// holds still.
#ifndef LOAD_H
#define LOAD_H

#include "spec.h"

enum { LOAD_MAX = 8 };

// One goroutine: calls step until it must end.
struct load {
    lg_runtime *rt;
    void (*step)(struct load *load, uint64_t round);
    lg_chan *ch;
    _Atomic uint64_t count; // of steps
    _Atomic bool *must_end;
    _Atomic int *nended;
};

struct loads {
    struct load all[LOAD_MAX];
    int n;
    _Atomic bool must_end;
    _Atomic int nended;
};

// Steps.
void load_yield(struct load *load, uint64_t round);
void load_spawn(struct load *load, uint64_t round);
void load_sleep(struct load *load, uint64_t round);
void load_select(struct load *load, uint64_t round); // on ch, with others of its kind
void load_checkpoint(struct load *load, uint64_t round);

// Starts one more; ch may be NULL.
void loads_add(struct loads *loads, lg_runtime *rt,
               void (*step)(struct load *load, uint64_t round), lg_chan *ch);

// Steps of all of them so far.
uint64_t loads_sum(struct loads *loads);

// Has all end, and waits for it.
void loads_end(struct loads *loads);

// Stops the world again and again; while it is stopped nothing moves.
void stop_rounds(lg_runtime *rt, struct loads *loads, int rounds);

// The same with a load of each kind.
void stop_under_load(lg_runtime *rt, int rounds);

// ---------------------------------------------------------------------------
// By signals
// ---------------------------------------------------------------------------

// Blocks the thread for so many microseconds: what a slow call of the system's does.
void load_block(uint32_t us);

// Whether signals stop anybody: the thread sanitizer and emulators deliver them late.
bool load_has_signals(void);

// A runtime whose goroutines are stopped by signals.
lg_runtime *load_open(int procs);

// Runs fn(rt) as main beside hog(rt), which need never enter the runtime. Does
// nothing without signals.
void load_beside(void (*hog)(void *arg), void (*fn)(void *arg));

#endif // LOAD_H
