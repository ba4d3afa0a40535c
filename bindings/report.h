// SPDX-License-Identifier: MIT
//
// What becomes of errors that leave a goroutine.
#ifndef LAGOON_REPORT_H
#define LAGOON_REPORT_H

#include <lua.h>

struct script;
struct script_g;

// Pushes the traceback of a goroutine that has failed, with where it was
// started. May raise.
void lagoon__push_trace(lua_State *L, struct script_g *sg);

// Has lagoon.traceback() find the traceback on top of L for the error at an
// index. May raise.
void lagoon__remember_trace(lua_State *L, struct script *s, int error);

// Does both for an error at an index that leaves a goroutine; if that had been
// given the error by another one, the traceback tells of both. Pushes it.
void lagoon__push_new_trace(lua_State *L, struct script_g *sg, int error);

// An error that nobody handles, on top of `from`, has left a goroutine: calls
// the error handler; without one, reports it and, in a program, ends that.
void lagoon__report_unhandled(struct script_g *sg, lua_State *from);

// Prints an error and its traceback, on top of L, after an introduction; pops
// both. May raise.
void lagoon__report(lua_State *L, const char *introduction);

// Prints "lagoon: message", flushed after what the script has printed.
void lagoon__print_error(const char *message);

// Replaces the error on top of L by words for it.
void lagoon__error_text(lua_State *L);

// Adds traceback() and on_error() to the table on top.
void lagoon__open_report(lua_State *L, struct script *s);

#endif // LAGOON_REPORT_H
