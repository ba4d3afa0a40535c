// SPDX-License-Identifier: MIT
//
// What a channel of a script carries: 16 bytes, a word and a reference to an object
// of the core's collector. A number is its own word. What else there is hides among
// the NaNs: no number that we send has a tag's bits, since NaNs are all sent as one.
//
//   number             +---------------------------+  ptr
//   (canonical)        |          double           |  NULL
//                      +-------------+-------------+
//   anything else      |     ref     |     tag     |  NULL, or a parcel's, or
//                      +-------------+-------------+  a shared object's
//
// Within a state everything but nil, booleans and numbers is left in the channel's
// table of references, and its slot travels. That table is the environment of the
// channel's userdata, not the registry's: a cycle from a channel through a value to
// the channel must stay collectable. Between states what needs more room is a
// parcel (parcel.h) or a shared object itself (share.h): those are in ptr.
#ifndef LAGOON_VALUE_H
#define LAGOON_VALUE_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct chan;

// fast.lua knows these numbers. Zero bytes are the number 0.
enum value_tag {
    VALUE_TAGS = 0xfffffff0U, // from here on it is no number
    VALUE_NIL = VALUE_TAGS,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_REF,    // ref: a slot of the channel
    VALUE_PARCEL, // ptr: a parcel
    VALUE_SHARED, // ptr: a shared object
};

struct value {
    union {
        double number;
        struct {
            int32_t ref; // little-endian, as all systems we run on
            uint32_t tag;
        };
    };
    void *ptr;
};

static inline struct value lagoon__value_of_tag(enum value_tag tag)
{
    struct value value = {.number = 0, .ptr = NULL};
    value.tag = (uint32_t)tag;
    return value;
}

static inline struct value lagoon__value_of_number(double number)
{
    // A NaN might have a tag's bits.
    struct value value = {.number = number == number ? number : __builtin_nan(""),
                          .ptr = NULL};
    return value;
}

static inline bool lagoon__value_is_number(struct value value)
{
    return value.tag < VALUE_TAGS;
}

// Whether it must be opened (lagoon__value_open()) where Lua code may run.
static inline bool lagoon__value_is_sealed(struct value value)
{
    return value.tag == VALUE_PARCEL || value.tag == VALUE_SHARED;
}

// Writes a value where the collector may look meanwhile.
static inline void lagoon__value_put(struct value *slot, struct value value)
{
    slot->number = value.number;
    // relaxed: a marker that reads the old reference finds the new one elsewhere
    __atomic_store_n(&slot->ptr, value.ptr, __ATOMIC_RELAXED);
}

// Makes the value at index v ready for the channel at index ch. Raises.
void lagoon__value_pack(lua_State *L, int v, int ch, struct chan *chan,
                        struct value *out);

// Pushes a value that came from the channel at index ch, which forgets it. It is
// not sealed.
void lagoon__value_unpack(lua_State *L, int ch, struct chan *chan, struct value value);

// Forgets a value that was packed and has not been sent.
void lagoon__value_drop(lua_State *L, int ch, struct chan *chan, struct value value);

// Pushes the table of references of the channel at index ch, making it. Raises.
void lagoon__value_refs(lua_State *L, int ch, struct chan *chan);

#endif // LAGOON_VALUE_H
