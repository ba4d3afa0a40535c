// SPDX-License-Identifier: MIT
//
// Signals to the program: the C halves of lagoon.signal. A host's signals are the host's.
#ifndef LAGOON_SIGNALS_H
#define LAGOON_SIGNALS_H

#include <lua.h>

struct script;

// Has the handler of those that somebody is notified of call a function first; NULL: none any more. It
// may call only what handlers may.
void lagoon__signals_tell_first(void (*fn)(int signo));

// Adds the functions to the table on top.
void lagoon__open_signals(lua_State *L, struct script *s);

#endif // LAGOON_SIGNALS_H
