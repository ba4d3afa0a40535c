// SPDX-License-Identifier: MIT
//
// What the scheduler asks the I/O, which stands above it: a struct of functions that rt
// fills. Each strand that does I/O has a loop of its own, which only the M inside touches.
#ifndef LG_SCHED_POLLER_H
#define LG_SCHED_POLLER_H

#include <stdbool.h>

struct poller_door {
    // Does what a loop finds ready, and never waits. Inside the strand.
    void (*turn)(void *loop);

    // Whether something was begun or ended that the system has not been told of: until
    // the next turn the loop's descriptor may keep silent.
    bool (*is_dirty)(void *loop);

    // Whether anybody waits for what a turn may bring.
    bool (*is_awaited)(void *loop);

    // Ends a loop with all that is open in it. Its strand is being closed; nobody is
    // inside.
    void (*close)(void *loop);
};

#endif // LG_SCHED_POLLER_H
