// SPDX-License-Identifier: MIT
//
// The program's half of `lagoon attach`: a thread that has the socket and its clients, and
// whose requests are goroutines of the program's first state (repl/guest.lua). Between two
// requests there is no goroutine, so that nothing of it counts for a deadlock or a leak.
//
//   client       thread                      first state
//   ------       ------                      -----------
//   frame   ->   message, post          ->   goroutine: guest.lua
//           <-   what has been written  <-   attach_write()
#ifndef LAGOON_ATTACH_H
#define LAGOON_ATTACH_H

#include <lua.h>
#include <stdbool.h>

struct script;

// Adds attach_start() and its kin to the table on top.
void lagoon__open_attach(lua_State *L, struct script *s);

// Whether the program stays for examination when all its goroutines are asleep.
bool lagoon__attach_stays(void);

// Goroutine 1 has ended, nobody is served any more. Of what is under way only a dump is waited
// for, which is cut short.
void lagoon__attach_stop(void);

#endif // LAGOON_ATTACH_H
