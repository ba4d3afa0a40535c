// SPDX-License-Identifier: MIT
//
// The coordinator: the goroutine that moves cycles of collection on (gc/cycle.h) when one
// is asked for. It starts with the first and is one of the runtime's own.
#ifndef LG_GC_COORDINATOR_H
#define LG_GC_COORDINATOR_H

#include "base/base.h"

struct gc;
struct lg_runtime;

// Asks for a cycle, unless one is under way or wanted. Any M of the runtime.
void lg__gc_request(struct gc *gc);

// Wakes the coordinator for a cycle that was begun without it, if there is one.
void lg__gc_rouse(struct gc *gc);

// Asks for a cycle if none has been run for two minutes, but something was allocated.
// sysmon.
void lg__gc_look(struct lg_runtime *rt);

// Makes the calling native goroutine wait until the cycle that is due has begun, or
// the one that marks has marked all: it has allocated more than it should before.
void lg__gc_stall(struct gc *gc);

#endif // LG_GC_COORDINATOR_H
