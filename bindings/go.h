// SPDX-License-Identifier: MIT
//
// Goroutines of a state: started, resumed, ended.
#ifndef LAGOON_GO_H
#define LAGOON_GO_H

#include <lagoon.h>
#include <lua.h>

#include "state.h"

extern const lg_strand_ops lagoon__strand_ops;

// Starts the function below `nargs` arguments, all on top of L, which it pops.
// name is for messages. Raises if it cannot, with nothing started.
struct script_g *lagoon__go(lua_State *L, struct script *s, int nargs, lg_ref *out);

// The same in a scope that is held; NULL: in none. lagoon__go() takes that of the running
// goroutine.
struct script_g *lagoon__go_in(lua_State *L, struct script *s, struct scope *scope,
                               int nargs, lg_ref *out);

// Where the script is that calls the running C function.
struct birthplace lagoon__birthplace(lua_State *L, struct script *s);

// A birthplace in another state, of which the source is a copy. Raises.
struct birthplace lagoon__keep_birth(lua_State *L, struct script *s, const char *source,
                                     int line);

// Raises, as argument n of name, if the value at index n cannot be called.
void lagoon__check_callable(lua_State *L, int n, const char *name);

// Makes L the state's current coroutine again, after something else ran in it.
void lagoon__restore(lua_State *L, struct script *s);

// For the program, whose state is ours: makes coroutine.yield() in a goroutine's
// own coroutine an error where it is called, not the end of the goroutine.
void lagoon__guard_coroutines(lua_State *L);

// Adds go() and others to the table on top.
void lagoon__open_go(lua_State *L, struct script *s);

#endif // LAGOON_GO_H
