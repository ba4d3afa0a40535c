// SPDX-License-Identifier: MIT
//
// Tracebacks as scripts should see them: like luaL_traceback()'s, without the
// frames of our own modules.
#ifndef LAGOON_TRACE_H
#define LAGOON_TRACE_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

struct script_g;
struct birthplace;

// How many frames a coroutine has.
int lagoon__trace_levels(lua_State *co);

// Adds a coroutine's frames, from a level on, to a buffer: "\n\t" before each.
// Returns how many. The message is the error's that co has died of, or NULL.
int lagoon__trace_frames(luaL_Buffer *b, lua_State *co, int level, const char *message);

// Whether a frame is left out: of our modules, or a C function that one of those called.
// *ar has been filled for "S".
bool lagoon__trace_is_hidden(lua_State *co, int level, const lua_Debug *ar);

// Adds all frames of a goroutine: where it stands in lg_wait(), if it does,
// and its own coroutine. Returns how many.
int lagoon__trace_goroutine(luaL_Buffer *b, struct script_g *sg, const char *message);

// Writes "script.lua:12", or `[string "a text's first line"]:3`, of a goroutine that a script
// started. Of a long path the end is shown, which tells more.
void lagoon__birth_text(const struct birthplace *birth, char *out, size_t size);

// Adds that; nothing if no script started it.
void lagoon__trace_birth(luaL_Buffer *b, const struct birthplace *birth);

// Adds printf-style text, cut at 511 bytes.
void lagoon__add_format(luaL_Buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif // LAGOON_TRACE_H
