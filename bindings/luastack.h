// SPDX-License-Identifier: MIT
//
// The stack of a goroutine as a profile has it.
#ifndef LAGOON_LUASTACK_H
#define LAGOON_LUASTACK_H

#include <lagoon.h>

struct stack_draft;

// Adds where a sample's goroutine stands, and says whose it is; without the frames of our
// own modules. Where it is handed over. Allocates nothing of the state's, raises nothing.
void lagoon__luastack_draft(struct stack_draft *draft, const lg_profile_sample *sample);

#endif // LAGOON_LUASTACK_H
