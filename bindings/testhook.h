// SPDX-License-Identifier: MIT
//
// The hook of states under `lagoon test`. It does up to three things:
//
//   race order   preempts goroutines at random instructions: which ones follows from a seed, and
//                how many instructions have run since that was set
//   coverage     counts the lines that run (covered.h)
//   an alarm     has a function called in real time, while Lua code computes: where the runtime's
//                clock stands still as long as something runs, no timer could
//
// The first state asks for it, and the states of tasks that are made from then on get it. Compiled
// code would not come by: their compilers are off.
#ifndef LAGOON_TESTHOOK_H
#define LAGOON_TESTHOOK_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct script;
struct testing;

// What a state has of it.
struct test_hook {
    struct testing *testing; // NULL: nothing is asked for
    uint64_t seed;           // that random began with; 0: none yet
    uint64_t random;
    uint32_t number; // of the state, so that each draws others
    bool is_held;    // nobody is preempted: neither at points nor when a slice is over
};

// os.exit() has been called: raises, if tests are not to end the process.
void lagoon__testhook_exit(lua_State *L, struct script *s);

// A worker's state has been made.
void lagoon__testhook_join(lua_State *L, struct script *s);

// The script is closed.
void lagoon__testhook_fini(struct script *s);

// Adds test_exit(), race_order(), test_hold(), cover(), covered() and test_alarm() to the table on
// top.
void lagoon__open_testhook(lua_State *L, struct script *s);

#endif // LAGOON_TESTHOOK_H
