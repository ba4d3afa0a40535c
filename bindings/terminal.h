// SPDX-License-Identifier: MIT
//
// The terminal of the REPL. While it is open, the process's descriptors 0, 1 and 2 are a terminal of
// our own making (a pty), so that whatever is written by whomever, goroutines of any state, C code and
// child processes, comes to us, and never meets what is being typed. A thread passes it on: goroutines
// may be blocked in a write until it does.
//
//    keys -> the user's terminal -> the line editor              while the prompt waits
//                                -> the pty's standard input     while an input runs
//    standard output, error      -> the pty -> the thread -> the user's terminal
//
// A child that an input waits for has the user's terminal itself, with the pty's modes.
//
// While the prompt waits, the thread wipes the block that the editor has drawn, writes, and draws it
// again below: it has got both texts from who drew it.
#ifndef LAGOON_TERMINAL_H
#define LAGOON_TERMINAL_H

#include <lua.h>

struct script;

// Pushes the table of functions. In the program's first state. Raises.
void lagoon__push_terminal(lua_State *L, struct script *s);

#endif // LAGOON_TERMINAL_H
