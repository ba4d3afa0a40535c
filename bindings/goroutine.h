// SPDX-License-Identifier: MIT
//
// What the core keeps for us with each goroutine of a state, in its record: the
// collector of the core sees it there.
#ifndef LAGOON_GOROUTINE_H
#define LAGOON_GOROUTINE_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "value.h"

struct load;
struct scope;
struct script;
struct script_g;
struct select_block;
struct task;

// Turns the result of a wait that is over into Lua results. L is where the
// blocking function was called, its arguments are still at 1, 2, ...; returns
// how many results it has pushed. It raises at most for want of memory, and with
// LG_OK only if it was given to lagoon__settle_making().
typedef int finish_fn(lua_State *L, struct script_g *sg, int rc);

// What a goroutine waits for, and without a time-out: what could wake it.
enum parked_on {
    PARKED_ELSEWHERE, // a moment, or nothing that a script could have in hand
    PARKED_ON_SELF,   // the object at index 1 of the blocking function
    PARKED_ON_CASES,  // the channels of a select
    PARKED_TO_OPEN,   // as elsewhere, and what is opened needs an owner
};

// Where a goroutine was started.
struct birthplace {
    const char *source; // as in lua_Debug; lives as long as the state
    int line;           // 0: not by a script
};

// A goroutine of the state: what lives in the core's record, all zero at first.
struct script_g {
    struct script *script;
    lua_State *co;     // its coroutine
    lua_State *donor;  // where it stands in lg_wait(); NULL: nowhere
    finish_fn *finish; // of the wait that is armed
    struct task *task; // its handle; NULL: nobody has asked for one
    struct birthplace birth;
    int co_slot;     // keeps co alive
    int saved_errno; // while it makes room between two instructions
    int told_line;   // where it was told of its cancellation while it computed
    int top;         // of co's stack when it yielded, to know it again
    union {
        struct value value; // on its way from or to a channel
        lg_frame frame;     // that it has waited for
    };
    struct select_block *select;
    struct load *awaits; // the load of a module that it waits for (require.h)
    lg_g *g;
    struct scope *scope; // what it belongs to; NULL: nothing
    struct script_g *next_in_scope;
    struct script_g **link_in_scope;
    uint64_t id;
    uint64_t parent;   // the id of the goroutine that started it; 0: none did
    bool is_making;    // what finishes its wait needs memory for results
    bool is_armed;     // it yielded because it waits
    bool must_donate;  // the wait that begins cannot yield
    bool is_reporter;  // runs the error handler
    bool is_first;     // lg_once_begin()'s answer
    bool has_rethrown; // it has been given another goroutine's error
    bool is_main;      // its end is waited for from outside
    bool is_killed;    // it is not resumed any more (scope.h)
    bool is_told;      // that its scope is cancelled: it waits for nothing any more
    bool is_aside;     // blocks its thread: its P goes to others whenever it runs
    uint8_t parked_on; // enum parked_on
};

_Static_assert(sizeof(struct script_g) <= LG_EXTRA_SIZE, "a goroutine has no more room");

// A coroutine that has ended well and waits for another goroutine to need one.
struct coroutine {
    lua_State *co;
    int slot;
};

#endif // LAGOON_GOROUTINE_H
