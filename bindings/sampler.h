// SPDX-License-Identifier: MIT
//
// Who runs how much: a thread that looks at all goroutines that run, a thousand times a
// second, and counts. Goroutines do nothing for it. The program's; for the REPL.
#ifndef LAGOON_SAMPLER_H
#define LAGOON_SAMPLER_H

#include <lauxlib.h>

// sampler_start() and so on, for Lua.
extern const struct luaL_Reg lagoon__sampler_functions[];

// Before the runtime is closed.
void lagoon__sampler_end(void);

#endif // LAGOON_SAMPLER_H
