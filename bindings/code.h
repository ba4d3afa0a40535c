// SPDX-License-Identifier: MIT
//
// The code of Lua functions, as it travels: a shared object (KIND_CODE) with the
// bytecode of a prototype and what was found in it. Closures of one prototype share
// one, and each state loads it once: its closures there are made by one factory, so
// that they share a prototype, and its compiled traces, there too.
#ifndef LAGOON_CODE_H
#define LAGOON_CODE_H

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

#include "share.h"

extern const struct share_ops lagoon__code_ops;

// The code of the Lua function at an index, made at the first call for its prototype.
// Alive while it is referred to from a C stack of a goroutine, or what
// lagoon__push_shared() pushes for it is; the function alone does not keep it. Raises:
// "cannot send a function that assigns the captured variable 'n' (script.lua:12) to
// another Lua state", and if the function is none of Lua's or its bytecode is not
// understood.
struct shared *lagoon__code(lua_State *L, struct script *s, int index);

// How many upvalues its closures have.
int lagoon__code_nups(const struct shared *shared);

// The names of the globals that it, or a function inside it, reads: the i-th from 0
// on, NULL after the last. Alive as long as the code.
const char *lagoon__code_global(const struct shared *shared, size_t i,
                                size_t *out_length);

// Pushes a new closure whose upvalues are nil, each a variable of its own. Its
// environment is L's. lagoon__code() of it is `shared` again, or what this state has for
// the same bytecode. Raises.
void lagoon__push_closure(lua_State *L, struct script *s, struct shared *shared);

// Makes ready: called once when a state opens. Raises.
void lagoon__code_init(lua_State *L, struct script *s);

#endif // LAGOON_CODE_H
