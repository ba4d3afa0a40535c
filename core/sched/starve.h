// SPDX-License-Identifier: MIT
//
// Native goroutines that found no stack when they were to run for the first time. They
// stand in the runtime's list `starved` until there is one.
#ifndef LG_SCHED_STARVE_H
#define LG_SCHED_STARVE_H

#include "sched/runtime.h"

// Puts one that is to run into the list.
void lg__starve(struct lg_runtime *rt, struct runnable *r);

// The first of them may try again: a stack has become free.
void lg__feed_starved(struct lg_runtime *rt);

// All of them: there may be memory again. The driver.
void lg__feed_all_starved_locked(struct lg_runtime *rt) LG_REQUIRES(rt->lock);

// Whether there is any.
bool lg__has_starved(struct lg_runtime *rt);

// The first of them gets a stack, from a reserve beyond the cap if need be and while there
// is one, and is runnable: what ends by that may be what the others wait for. False: it
// got none. The driver when all wait, and who tidies up.
bool lg__save_starved(struct lg_runtime *rt);

#endif // LG_SCHED_STARVE_H
