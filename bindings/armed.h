// SPDX-License-Identifier: MIT
//
// A hook of ours in a state: what it was armed for, and what was there before (preempt.c).
#ifndef LAGOON_ARMED_H
#define LAGOON_ARMED_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "luajit/door.h"

struct armed {
    struct door_hook old; // the script's, while ours is armed
    int ntries;           // of ours, in vain so far
    // Set in a signal handler of the thread that clears it in the hook: relaxed.
    _Atomic bool is_for_room;   // for others, or to tell of a cancellation
    _Atomic bool is_for_sample; // of a profile
    lua_State *sampled;         // the coroutine that stands in the hook for that; or NULL
};

#endif // LAGOON_ARMED_H
