// SPDX-License-Identifier: MIT
//
// Where a goroutine must not wait although it is one: the interpreter is in the
// middle of something that others would disturb.
#ifndef LAGOON_REFUSAL_H
#define LAGOON_REFUSAL_H

#include <lua.h>
#include <stdbool.h>

struct script;
struct script_g;

// Why the running goroutine must not keep its C stack and let others run, as
// far as the public API tells; NULL: it may. Its coroutine L cannot yield, or
// is not its own. Raises if there is no room on the stack.
const char *lagoon__refusal(lua_State *L, struct script_g *sg);

// Gets ready to answer that. Raises.
void lagoon__refusal_init(lua_State *L, struct script *s);

// The function that makes FFI calls, in the registry; LUA_NOREF: nobody has opened the
// FFI. L has room for a few values. Raises.
int lagoon__ffi_call(lua_State *L, struct script *s);

// Whether there is an FFI callback below, out of which nobody may be switched. Raises.
bool lagoon__is_in_ffi(lua_State *L, struct script_g *sg);

// Whether L stands in a finaliser. L has room for two values.
bool lagoon__is_in_gc(lua_State *L, struct script *s);

#endif // LAGOON_REFUSAL_H
