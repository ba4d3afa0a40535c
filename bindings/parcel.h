// SPDX-License-Identifier: MIT
//
// Values on their way from one Lua state to another. A parcel is text, which is bytes of
// the core's collector without references; or, where the text speaks of shared objects by
// number, an array of references.
//
//   PARCEL_TEXT        ptr --> letter: size, text
//   PARCEL_WITH_REFS   ptr --> refs[0] --> letter
//                              refs[1..n] --> struct shared
//
// The text (text.h; encode.c writes, decode.c reads) is in the host's byte order: values,
// and then the bodies of objects (tables and functions), in the order in which they were
// first mentioned. What a body mentions first gets the next number, and its body stands
// further down: so depth costs no stack.
//
// Who sends pays with an error; who receives trusts nothing: whatever the bytes are,
// decoding them ends in a value or an error.
#ifndef LAGOON_PARCEL_H
#define LAGOON_PARCEL_H

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

#include "value.h"

struct script;
struct shared;
struct sharing;

// What a VALUE_PARCEL's ptr is: in its ref.
enum parcel_kind { PARCEL_WITH_REFS, PARCEL_TEXT };

// What is sent, for the paths in messages.
enum route {
    ROUTE_VALUE,   // "cannot send a userdata (at .log) to another Lua state"
    ROUTE_HELD,    // what a channel holds that is itself sent: "(at channel's value.log)"
    ROUTE_CALL,    // a function and its arguments: "(at argument #1.log)"
    ROUTE_RESULTS, // "(at result #1.log)"
    ROUTE_ERROR,   // "(at error.log)"
};

// Encodes the value at an index: a number, nil or boolean becomes its own value, a
// shared object is itself, anything else a parcel. *out is reachable for the
// collector only where the caller keeps it. Raises, with nothing half-sent.
void lagoon__encode(lua_State *L, struct script *s, int index, struct value *out);

// The same with another route.
void lagoon__encode_routed(lua_State *L, struct script *s, int index, enum route route,
                           struct value *out);

// The same for what is on top, which a channel holds that is about to be shared: what
// it mentions becomes shared with that.
void lagoon__encode_held(lua_State *L, struct sharing *sharing, struct value *out);

// Encodes n values from an index on: always a parcel. Raises.
void lagoon__encode_all(lua_State *L, struct script *s, int first, int n,
                        enum route route, struct value *out);

// Pushes the one value of what lagoon__encode() has made. Functions get the
// environment of L. May run code (modules are loaded, hooks called) and wait. Raises.
void lagoon__decode(lua_State *L, struct script *s, struct value value);

// Pushes all values of what lagoon__encode_all() has made; returns how many. As
// lagoon__decode().
int lagoon__decode_all(lua_State *L, struct script *s, struct value value);

// Pushes all values of a text of plain ones, from outside of the process: nil, booleans,
// numbers, strings, int64, tables. Returns how many. Raises.
int lagoon__decode_plain(lua_State *L, struct script *s, const void *text, size_t size);

// What was encoded will not be sent: buffers that it would have moved are back with
// their owners.
void lagoon__recall(struct value value);

// The text of a parcel (text.h).
struct letter;
struct letter *lagoon__parcel_letter(struct value parcel);

#endif // LAGOON_PARCEL_H
