// SPDX-License-Identifier: MIT
//
// What a channel of a script carries: 16 bytes. Nil, booleans and numbers stand
// in them; everything else is left in the channel's table of references, and
// its number travels. That table is the environment of the channel's userdata,
// not the registry's: a cycle from a channel through a value to the channel
// must stay collectable.
#ifndef LAGOON_VALUE_H
#define LAGOON_VALUE_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct chan;

// fast.lua knows these numbers. Zero bytes are nil: what a closed channel gives.
enum value_tag {
    VALUE_NIL,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_NUMBER,
    VALUE_REF,
};

struct value {
    uint32_t tag;
    int32_t ref;   // VALUE_REF: a slot of the channel
    double number; // VALUE_NUMBER
};

// Makes the value at index v ready for the channel at index ch. Raises.
void lagoon__value_pack(lua_State *L, int v, int ch, struct chan *chan,
                        struct value *out);

// Pushes a value that came from the channel at index ch, which forgets it.
void lagoon__value_unpack(lua_State *L, int ch, struct chan *chan, struct value value);

// Forgets a value that was packed and has not been sent.
void lagoon__value_drop(lua_State *L, int ch, struct chan *chan, struct value value);

// Pushes the table of references of the channel at index ch, making it. Raises.
void lagoon__value_refs(lua_State *L, int ch, struct chan *chan);

#endif // LAGOON_VALUE_H
