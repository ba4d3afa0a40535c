// SPDX-License-Identifier: MIT
//
// Signals to the program: the C halves of lagoon.signal. A host's signals are the host's.
#ifndef LAGOON_SIGNALS_H
#define LAGOON_SIGNALS_H

#include <lua.h>

struct script;

// Has the handler call a function when the terminal has another size and somebody is notified of that;
// NULL: none any more. It may call only what handlers may.
void lagoon__signals_on_resize(void (*fn)(void));

// Adds the functions to the table on top.
void lagoon__open_signals(lua_State *L, struct script *s);

#endif // LAGOON_SIGNALS_H
