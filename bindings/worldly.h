// SPDX-License-Identifier: MIT
//
// What calls into the outside world return to scripts: results, or nil, a message and the
// code's name.
#ifndef LAGOON_WORLDLY_H
#define LAGOON_WORLDLY_H

#include <lagoon.h>
#include <lua.h>

#include "goroutine.h"

// Pushes what follows from a code that is not LG_OK, as a finish_fn: WAIT_OK, nil, a message and
// perhaps a name; or that something is to be raised. Returns how many values.
int lagoon__finish_failed(lua_State *L, struct script_g *sg, int rc);

// The same for a function that does not wait: without the WAIT_OK in front. Raises.
int lagoon__return_failed(lua_State *L, int rc);

// The results of a function that does not wait: true, or a text, if the code is LG_OK. Raises.
int lagoon__return_code(lua_State *L, int rc);
int lagoon__return_text(lua_State *L, int rc, const char *text);

#endif // LAGOON_WORLDLY_H
