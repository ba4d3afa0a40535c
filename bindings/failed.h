// SPDX-License-Identifier: MIT
//
// Tasks of worker states that have failed, and whose error nobody has taken: it is
// reported when nobody can take it any more, or at the exit. The words stand in an
// object of the core's collector, to which only the task refers, and which has a
// finaliser.
#ifndef LAGOON_FAILED_H
#define LAGOON_FAILED_H

#include <lua.h>
#include <stddef.h>

// So many are reported one by one.
enum { FAILED_TOLD_MAX = 100 };

struct hub;
struct script;
struct task_core;

// Notes the words for a task's error and its traceback: a string, and a string below
// it, both on top of L. Raises.
void lagoon__failed_keep(lua_State *L, struct script *s, struct task_core *core);

// Somebody has taken it.
void lagoon__failed_take(struct task_core *core);

// Reports all that nobody has taken, once: the first FAILED_TOLD_MAX, and how many more.
void lagoon__failed_report(struct hub *hub);

// Tells how many of so many failed tasks were not reported one by one, if any.
void lagoon__failed_rest(size_t nfailed);

// Frees the notes.
void lagoon__failed_fini(struct hub *hub);

#endif // LAGOON_FAILED_H
