// SPDX-License-Identifier: MIT
//
// lagoon in a Lua state that a host owns. A public header beside lagoon.h, for C programs
// that link liblagoon.a or lagoon.so, and have LuaJIT. The state's goroutines run on the
// host's thread, in lagoon.update() or lagoon.run(), or in lg_update() and lg_drive() of
// its runtime.
#ifndef LAGOON_LUA_H
#define LAGOON_LUA_H

#include <lagoon.h>
#include <lua.h>

#ifdef __cplusplus
extern "C" {
#endif

// Gives a state lagoon: opens a runtime for it and makes `require "lagoon"` work. The
// runtime is closed with the state.
//
// L     the state, any thread of it
// opts  borrowed for the call; NULL: as `require "lagoon"` does in a host, with the
//       defaults and what the environment says (lg_options_env())
//
// Returns: LG_OK.
// Errors:  LG_EBUSY, it has lagoon already; LG_EINVAL, an option or a variable is out of
//          range; LG_ENOMEM. A message is then on top of L's stack.
// Misuse:  none.   Blocks: no.   Call from: the host's thread.
// Go:      none
LG_API int lg_lua_attach(lua_State *L, const lg_options *opts);

// The runtime of a state, for lg_update(), lg_go() and the like. To be closed by
// lua_close() only.
//
// L  the state, any thread of it
//
// Returns: the runtime; NULL, the state has none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: the state's thread.
// Go:      none
LG_API lg_runtime *lg_lua_runtime(lua_State *L);

// What `require` calls in a host that finds lagoon.so: pushes the module.
LG_API int luaopen_lagoon(lua_State *L);

// Makes `require "lagoon"` work in a host that links liblagoon.a; opens nothing yet.
LG_API int lagoon_openlib(lua_State *L);

#ifdef __cplusplus
}
#endif

#endif // LAGOON_LUA_H
