// SPDX-License-Identifier: MIT
//
// A walk over all that can be reached from some values, through Lua's public
// API: tables, functions with their upvalues, userdata, coroutines with every
// slot of their frames. It sees what the collector sees, and changes nothing.
//
// No Lua code may run while a walk is on, so the collector stands still: its
// finalisers are some. Two values on the stack of L are the walk's own.
#ifndef LAGOON_REACH_H
#define LAGOON_REACH_H

#include <lua.h>
#include <stddef.h>

struct script;

struct reach {
    lua_State *L;
    int found;         // index of a table: 1 to nfound are still to be looked into
    int set;           // index of a userdata: pointers to all that were ever found
    int nfound;        //
    size_t nset;       // in the set
    size_t cap;        // of the set, a power of two
    const void **seen; // the set: cap pointers, NULL for none
    // Called once for each table, function, userdata and thread, which is on top;
    // may lagoon__reach_add() more.
    void (*visit)(struct reach *reach, int type, const void *ptr);
    void *ud;
};

// Collects garbage, and calls a function in which walks may be made, with `ud` as
// its argument; pushes its result. Raises what it raises, and in a finaliser that
// one cannot do `what` there.
void lagoon__reach_call(lua_State *L, struct script *s, lua_CFunction function, void *ud,
                        const char *what);

// Begins a walk; pushes its two values. Raises.
void lagoon__reach_init(struct reach *reach, lua_State *L);

// Pops a value that can be reached. Raises.
void lagoon__reach_add(struct reach *reach);

// Pops a value that is not to be looked into, whoever refers to it. Raises.
void lagoon__reach_hide(struct reach *reach);

// Adds another thread of the state, which is not running or is L. Raises.
void lagoon__reach_add_thread(struct reach *reach, lua_State *thread);

// Adds what the collector starts from, but of what slots keep only those for
// which is_skipped[slot] is 0; NULL skips none. Raises.
void lagoon__reach_add_roots(struct reach *reach, struct script *s,
                             const unsigned char *is_skipped);

// Goes on until there is nothing left to look into. Raises.
void lagoon__reach_run(struct reach *reach);

#endif // LAGOON_REACH_H
