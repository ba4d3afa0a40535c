// SPDX-License-Identifier: MIT
//
// runtime.limit(): a function in a state of its own, whose time and memory are bounded.
//
// The state is a worker that no other task uses and that the hub does not list. Whoever
// called waits for the verdict: the function has ended, or it has asked for more memory
// than it may have, or the time is over. From then on nothing of it is waited for: the
// state's script is told that it is over, at the next moment between two goroutines,
// after which none of its Lua code runs, and a goroutine of ours closes it. So there is
// nothing to catch.
#ifndef LAGOON_LIMIT_H
#define LAGOON_LIMIT_H

#include <lua.h>
#include <stddef.h>

struct hub;
struct limit;
struct script;
struct task_core;
struct worker;

// The bounds of a task that has not begun; bytes of SIZE_MAX: none. NULL: no memory.
struct limit *lagoon__limit_new(struct hub *hub, struct task_core *core,
                                size_t max_bytes);

// It does not begin after all.
void lagoon__limit_free(struct limit *limit);

// A P has come to the task: makes a state for it.
void lagoon__limit_place(struct limit *limit, struct task_core *core);

// A state for it, of which nothing counts yet; NULL: no memory.
lua_State *lagoon__limit_new_state(struct limit *limit);

// The task has ended.
void lagoon__limit_ended(struct limit *limit);

// Adds limit_start(), limit_wait() and limit_end() to the table on top.
void lagoon__open_limit(lua_State *L, struct script *s);

#endif // LAGOON_LIMIT_H
