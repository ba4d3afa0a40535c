// SPDX-License-Identifier: MIT
//
// What becomes of errors that leave a goroutine.
#ifndef LAGOON_REPORT_H
#define LAGOON_REPORT_H

#include <lagoon.h>
#include <lua.h>

struct script;
struct script_g;

// Pushes the traceback of a goroutine that the error at an index leaves, with
// where it was started; if another goroutine had given it the error, it tells
// of both. lagoon.traceback() finds it from now on. May raise.
void lagoon__push_new_trace(lua_State *L, struct script_g *sg, int error);

// Has traceback() find the one on top of L for the error at an index. May raise.
void lagoon__remember_trace(lua_State *L, struct script *s, int error);

// An error that nobody handles, on top of `from`, has left a goroutine: calls
// the error handler; without one, reports it and, in a program, ends that.
void lagoon__report_unhandled(struct script_g *sg, lua_State *from);

// Prints an error and its traceback, on top of L, after an introduction; pops
// both. With a runtime whose host wants to know, tells that instead. May raise.
void lagoon__report(lua_State *L, lg_runtime *rt, const char *introduction);

// Prints "lagoon: message", flushed after what the script has printed.
void lagoon__print_error(const char *message);

// The same for a text with zero bytes in it.
void lagoon__print_error_of(const char *message, size_t length);

// Replaces the error on top of L by words for it.
void lagoon__error_text(lua_State *L);

// Adds traceback() and on_error() to the table on top.
void lagoon__open_report(lua_State *L, struct script *s);

#endif // LAGOON_REPORT_H
