// SPDX-License-Identifier: MIT
//
// Tidying up: what nobody has needed for a while is given back, about every
// 100 ms. sysmon asks for it, and where there is none (one P), who goes idle.
//
// The host's part (lg_on_tidy) is called as a job is, by an M that holds a P and
// is inside the world: it may do what a job may, and what it queues is found. It
// hides no deadlock: that is looked for by who goes idle, before it tidies.
#ifndef LG_SCHED_TIDY_H
#define LG_SCHED_TIDY_H

#include "base/base.h"
#include "lagoon.h"

enum { TIDY_PERIOD_NS = 100 * 1000 * 1000 };

struct tidy {
    // -- any thread --
    _Atomic int64_t done_ns;      // when lg__tidy() last did something
    _Atomic bool has_surplus;     // and left more to do
    _Atomic bool has_host_more;   // what the host said last
    _Atomic bool is_host_started; // its job stands in a queue, or runs
    // -- sched lock --
    bool (*fn)(void *ud); // the host's
    void *ud;
    // -- who has set is_host_started --
    lg_job job;
};

// Gives back memory that nobody has needed for a while, and has the host do the
// same; does nothing if that was done a moment ago. Returns whether it is worth
// calling again. Any thread that holds no lock.
bool lg__tidy(struct lg_runtime *rt);

#endif // LG_SCHED_TIDY_H
