// SPDX-License-Identifier: MIT
//
// lagoon.class(name, mt): metatables that have a name, by which they travel. Where a
// state has none of that name, it gets the sender's: a shared object (KIND_CLASS)
// carries it along.
#ifndef LAGOON_CLASS_H
#define LAGOON_CLASS_H

#include <lua.h>

#include "share.h"

extern const struct share_ops lagoon__class_ops;

// The class whose metatable is at an index; alive as long as that. NULL: it has no
// name. Raises.
struct shared *lagoon__class_of(lua_State *L, struct script *s, int index);

// Pushes the metatable that this state has for a class: its own by that name, or the
// sender's. May run code and wait. Raises.
void lagoon__push_class(lua_State *L, struct script *s, struct shared *shared);

// Adds class() to the table on top.
void lagoon__open_class(lua_State *L, struct script *s);

#endif // LAGOON_CLASS_H
