// SPDX-License-Identifier: MIT
//
// Errors: how ours are raised, with the script's line in front, never one of
// our own modules'.
#ifndef LAGOON_FAIL_H
#define LAGOON_FAIL_H

#include <lua.h>
#include <stdbool.h>

struct script;
struct script_g;

// Raises a message with the position of the script's line that called us.
_Noreturn void lagoon__raise(lua_State *L, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Raises "bad argument #n to 'name' (...)".
_Noreturn void lagoon__raise_argument(lua_State *L, int n, const char *name,
                                      const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// The whole number from 1 to max at index n, which is argument n of name. Raises.
int lagoon__check_whole(lua_State *L, int n, const char *name, int max);

// The string without zero bytes at an index, which is argument n of name; a path at index n.
// Raises.
const char *lagoon__check_text(lua_State *L, int index, int n, const char *name);
const char *lagoon__check_path(lua_State *L, int n, const char *name);

_Noreturn void lagoon__raise_memory(lua_State *L);

// Makes room for n more values on the stack. Raises: with the message if a stack cannot have so
// many, and else for want of memory.
void lagoon__check_room(lua_State *L, int n, const char *message);

// What the value at an index is, for "expected, got": "channel", "no value".
const char *lagoon__type_name(lua_State *L, int index);

// Whether a source is one of our own modules.
bool lagoon__is_ours(const char *source);

// Finds the innermost frame of a script, which a running C function is not, filling
// "Sl". False: there is none.
bool lagoon__script_frame(lua_State *L, lua_Debug *ar);

// Raises why the calling goroutine was cancelled, which it has just been told.
_Noreturn void lagoon__raise_reason(lua_State *L, struct script_g *sg);

// Adds raise() and its codes to the table on top.
void lagoon__open_fail(lua_State *L, struct script *s);

#endif // LAGOON_FAIL_H
