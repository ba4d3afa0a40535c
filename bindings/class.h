// SPDX-License-Identifier: MIT
//
// lagoon.class(name, mt): metatables that have a name, by which they travel, as
// metatables and as values: what a function captures as `Point` is, where it arrives,
// the metatable that points have there. Where a state has none of that name, it gets
// the sender's: a shared object (KIND_CLASS) carries along where it can be found, or
// else its contents as they were when it was sent for the first time.
//
//   data, word    the name and its length
//   flags         enum class_state
//   more, word2   what that says
#ifndef LAGOON_CLASS_H
#define LAGOON_CLASS_H

#include <lua.h>

#include "share.h"

// Only ever goes on from the first one, with what belongs to the new one in place.
enum class_state {
    CLASS_BARE,    // it has not been sent yet
    CLASS_NAMED,   // more: the name under which a module has it (names.h); word2: length
    CLASS_SENT,    // more, word2: a value (value.h), a parcel with its contents
    CLASS_REFUSED, // more: why it could not be sent; word2: length
};

extern const struct share_ops lagoon__class_ops;

// The class whose metatable is the table at an index; alive as long as that. NULL: it
// has no name. May run code (hooks are called) and wait. Raises.
struct shared *lagoon__class_of(lua_State *L, struct script *s, int index);

// Pushes the metatable that this state has for a class: its own by that name, or the
// sender's. May run code and wait. Raises.
void lagoon__push_class(lua_State *L, struct script *s, struct shared *shared);

// Makes ready: called once when a state opens. Raises.
void lagoon__class_init(lua_State *L, struct script *s);

// Adds class() to the table on top.
void lagoon__open_class(lua_State *L, struct script *s);

#endif // LAGOON_CLASS_H
