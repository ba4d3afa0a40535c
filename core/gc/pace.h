// SPDX-License-Identifier: MIT
//
// Pacing: when a cycle starts, and how much those who allocate must help, so that
// the heap ends near its goal and marking costs about a quarter of the CPUs. After
// Go's pacer ("Getting to Go", Hudson 2018, and its design documents), simplified:
//
//   goal     what was alive, plus percent of it, of the stacks and of the roots;
//            less if the memory limit is nearer
//   trigger  before the goal by as much as was allocated while the last cycle
//            marked, within [70 %, 95 %] of the way
//   debt     while marking, each byte allocated costs so many bytes of marking
//            that the expected rest is done when the goal is reached. What the
//            collector's own goroutines have done can be taken as credit first.
//
// With a limit that what is alive does not fit under, cycles would follow each
// other without end: they may take more than half of the CPU time for a second, and
// then only half.
#ifndef LG_GC_PACE_H
#define LG_GC_PACE_H

#include "base/base.h"

struct gc;
struct gc_p;

struct gc_pace {
    // -- settings: any thread, relaxed --
    _Atomic int percent; // LG_GC_OFF
    _Atomic int64_t limit;
    _Atomic int64_t cap_limit; // the part of a hard cap that counts as a limit

    // -- fixed --
    bool is_stress; // a cycle before every allocation, or without end

    // -- any thread, relaxed: estimates --
    _Atomic int64_t heap_live; // alive after the last cycle, plus claimed since
    _Atomic int64_t trigger;   // of heap_live
    _Atomic int64_t goal;      // the same
    _Atomic int64_t credit;    // marking done in the background, not yet taken
    _Atomic uint32_t ratio;    // bytes to mark for 256 bytes allocated
    _Atomic int64_t black;     // claimed in the running cycle
    _Atomic uint64_t freed;    // objects, ever
    _Atomic uint64_t freed_bytes;
    _Atomic int64_t not_before_ns; // no cycle begins earlier, but for lg_gc()
    _Atomic int64_t others; // under a limit: memory but collected spans and idle pages
    _Atomic int64_t slack;  // under a limit: of collected spans, without objects

    // -- the collector's goroutine --
    // By the last cycle, claimed meanwhile included. relaxed: figures read it.
    _Atomic int64_t marked;
    int64_t scanned;   // stacks and roots, by the last cycle
    int64_t runway;    // what is allocated while a cycle marks
    int64_t expected;  // bytes that the running cycle will mark
    int64_t end_ns;    // of the last cycle's marking
    int64_t bucket_ns; // CPU time of cycles beyond half of all
};

void lg__pace_init(struct gc *gc);

// The memory limit that counts: the soft one, or what the hard cap makes of itself.
int64_t lg__pace_limit(const struct gc_pace *pace);

// Has a cap count.
void lg__pace_set_cap(struct gc *gc, int64_t cap_bytes);

// Called before an allocation of about so many bytes: lets the world stop, starts
// a cycle if it is time, and works off what is owed while one marks. The caller
// may be on another M after.
void lg__pace_before(struct gc *gc, size_t size_bytes);

// Slots have been claimed, or were given up unused.
void lg__pace_claimed(struct gc *gc, struct gc_p *gp, uint32_t nobjects, size_t bytes);
void lg__pace_unclaimed(struct gc_p *gp, uint32_t nobjects, size_t bytes);

// Bytes claimed before the cycle and unused, which it takes as alive.
void lg__pace_blackened(struct gc_pace *pace, size_t bytes);

// Objects were swept away.
void lg__pace_freed(struct gc_pace *pace, uint32_t nobjects, size_t bytes);

// The collector's goroutine has marked so many bytes: credit for others.
void lg__pace_add_credit(struct gc_pace *pace, size_t bytes);

// A cycle begins; is under way, with so many bytes marked; has ended. The first and
// the last with the world stopped.
void lg__pace_begin(struct gc *gc);
void lg__pace_revise(struct gc *gc, int64_t marked);
void lg__pace_end(struct gc *gc, int64_t marked, int64_t scanned, int64_t gc_cpu_ns);

// Under a limit: looks at what else there is, before a cycle; gives idle pages back
// that are over it, after one.
void lg__pace_measure(struct gc *gc);
void lg__pace_obey_limit(struct gc *gc);

// Whether cycles begin by themselves: there is a percentage, or a limit.
bool lg__pace_is_automatic(struct gc *gc);

// Whether so much has been allocated that a cycle in time that is free anyway is worth it:
// half of what makes one begin by itself, or would at 100 %.
bool lg__pace_is_worthwhile(struct gc *gc);

// Sets goal and trigger anew: a setting has changed.
void lg__pace_set_goal(struct gc *gc);

#endif // LG_GC_PACE_H
