// SPDX-License-Identifier: MIT
//
// Interrupting Lua code: a signal handler arms a hook where that is safe, and the hook
// makes the goroutine yield, or raises why it was cancelled. What may be done where is
// in decision.c; docs/decisions/interrupt_by_hook.md tells why so.
#ifndef LAGOON_PREEMPT_H
#define LAGOON_PREEMPT_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>

#include "decision.h"

struct script_g;

// The strand's `interrupt`.
bool lagoon__interrupt(lg_strand *strand, lg_g *g, void *extra, const void *pc);

// Whether a goroutine that does not run was interrupted while it computed, and only makes
// room. Inside its strand.
bool lagoon__was_interrupted(const struct script_g *sg);

// The strand's `sample`: the same hook tells a profile where the goroutine stands.
void lagoon__sample(lg_strand *strand, lg_g *g, void *extra, const void *pc);

// For hooks of ours that stay (testhook.c), called between two instructions of L: whose state it
// is; and what was decided for the running goroutine, MAKE_ROOM or BE_TOLD, happens. That may not
// come back: the rest of the events of this instruction is skipped. Works without our half in
// LuaJIT, too; room is made then only where the goroutine can yield.
struct script *lagoon__preempt_script(lua_State *L);
void lagoon__preempt_obey(lua_State *L, enum decision decision);

#endif // LAGOON_PREEMPT_H
