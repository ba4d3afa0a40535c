// SPDX-License-Identifier: MIT
//
// Lua functions on their way: code by reference (code.h), upvalues and the globals that
// the code reads as values. Variables that two functions of a message share stay shared.
//
// The environment of a function is the receiver's, and the globals that its code names
// travel along, unless all states have them. So it is with an environment that has a
// metatable: that is but a view of others. A plain table, a module or an instance of a
// class that was made an environment is sent as such.
#ifndef LAGOON_CLOSURE_H
#define LAGOON_CLOSURE_H

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

struct decoder;
struct encoder;

// Writes the first mention of the function on top, which stays there. Raises.
void lagoon__closure_encode(struct encoder *e, const void *key);

// Writes the body of the function at an index. Raises.
void lagoon__closure_encode_body(struct encoder *e, uint32_t node, int index);

// Pushes the value that a global of this name has for the function at an index; nil:
// none that has to travel. Raises.
void lagoon__closure_push_global(struct encoder *e, int index, const char *name,
                                 size_t length);

// Pushes a new closure for a mention; returns how many upvalues it has. Raises.
uint32_t lagoon__closure_decode(struct decoder *d);

// Fills the closure at an index. Raises.
void lagoon__closure_decode_body(struct decoder *d, uint32_t nups, int index);

#endif // LAGOON_CLOSURE_H
