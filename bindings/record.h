// SPDX-License-Identifier: MIT
//
// The recording of the REPL's terminal, if there is one: a process has one.
#ifndef LAGOON_RECORD_H
#define LAGOON_RECORD_H

#include <lauxlib.h>
#include <stddef.h>

// What the terminal does, from any thread.
void lagoon__record_output(const char *text, size_t size);
void lagoon__record_resize(int columns, int rows);

// record_start(path, columns, rows), record_marker(text), record_stop(), for Lua.
extern const struct luaL_Reg lagoon__record_functions[];

#endif // LAGOON_RECORD_H
