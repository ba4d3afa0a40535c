// SPDX-License-Identifier: MIT
//
// What sysmon and the watchdog keep of a runtime.
#ifndef LG_SCHED_WATCH_H
#define LG_SCHED_WATCH_H

#include "base/base.h"
#include "os/backtrace.h"
#include "os/note.h"
#include "os/thread.h"

struct m;

// The thread that watches (sched/sysmon.c).
struct sysmon {
    struct thread handle;
    struct note note;
    // -- itself --
    int64_t open_ns;   // when it began
    int64_t traced_ns; // its last schedtrace
    // -- sched lock --
    bool is_started;
    // -- any thread --
    _Atomic bool is_asleep; // until some P becomes busy
};

// Names who holds a P for long (sched/watchdog.c).
struct watchdog {
    _Atomic int64_t after_ns; // 0: off; any thread, relaxed
    // The M whose stack is wanted, or one of enum stack_state.
    _Atomic uintptr_t wanted;
    // -- sysmon, then the handler, then sysmon --
    const void *pc;
    int nstack;
    void *stack[BACKTRACE_MAX];
};

#endif // LG_SCHED_WATCH_H
