// SPDX-License-Identifier: MIT
//
// Interrupting Lua code: a signal handler arms a hook where that is safe, and the hook
// makes the goroutine yield, or raises why it was cancelled. What may be done where is
// in decision.c; docs/decisions/interrupt_by_hook.md tells why so.
#ifndef LAGOON_PREEMPT_H
#define LAGOON_PREEMPT_H

#include <lagoon.h>
#include <stdbool.h>

struct script_g;

// The strand's `interrupt`.
bool lagoon__interrupt(lg_strand *strand, lg_g *g, void *extra, const void *pc);

// Whether a goroutine that does not run was interrupted while it computed, and only makes
// room. Inside its strand.
bool lagoon__was_interrupted(const struct script_g *sg);

// The strand's `sample`: the same hook tells a profile where the goroutine stands.
void lagoon__sample(lg_strand *strand, lg_g *g, void *extra, const void *pc);

#endif // LAGOON_PREEMPT_H
