// SPDX-License-Identifier: MIT
//
// The seeds of Lua states. LuaJIT numbers its strings from a random number on, which shows in
// the order of pairs(); in the program, with a LuaJIT of ours, it can be a fixed one.
#ifndef LAGOON_SEEDS_H
#define LAGOON_SEEDS_H

// From here on all states of the process begin alike. Before the first is made.
void lagoon__seeds_fix(void);

#endif // LAGOON_SEEDS_H
