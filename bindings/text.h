// SPDX-License-Identifier: MIT
//
// The tags of a parcel's text, and how it is written and read. A value is a tag byte and
// what belongs to it; lengths and numbers of objects are varints (7 bits a byte, the
// lowest first).
//
//   head    nvalues: 4 bytes, nobjects: 4 bytes
//   values  nvalues of them
//   bodies  of the tables and Lua functions among the objects, by number
//
//   table's body     its array's values, then its pairs: as many as its mention says
//   function's body  its environment (nil: the receiver's), its upvalues, then pairs of
//                    names and values: globals, up to TEXT_END
#ifndef LAGOON_TEXT_H
#define LAGOON_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Those marked * are the first mention of an object: it gets the next number.
enum text_tag {
    TEXT_END,
    TEXT_NIL,
    TEXT_FALSE,
    TEXT_TRUE,
    TEXT_NUMBER,   // 8 bytes
    TEXT_INT16,    // 2 bytes: a number all the same
    TEXT_INT32,    // 4 bytes
    TEXT_INT64,    // 8 bytes: cdata
    TEXT_UINT64,   //
    TEXT_NULL,     // light userdata
    TEXT_STRING,   // length, bytes
    TEXT_LONG,     // * the same
    TEXT_AGAIN,    // number of an object
    TEXT_TABLE,    // * sizes of its array and of its hash part: 4 bytes each
    TEXT_INSTANCE, // * reference to its class, and as a table
    TEXT_FUNCTION, // * reference to its code
    TEXT_NAMED,    // * length, bytes of a name (names.h)
    TEXT_REBUILT,  // * a text of its own: a function and the arguments for it
    TEXT_MOVED,    // * number of a move
    TEXT_SHARED,   // reference
    TEXT_CLASS,    // reference to a class: its metatable
    TEXT_GLOBALS,  // the receiver's environment
    TEXT_CELL,     // of upvalues: a function's number, and which of its upvalues it is
    TEXT_SHORT = 0x40, // up to 31 bytes: their number is in the tag
    TEXT_SMALL = 0x80, // a number from 0 to 127, which is in the tag
};

enum {
    TEXT_SHORT_MAX = 31,
    TEXT_SMALL_MAX = 127,
    TEXT_HEAD_BYTES = 8,
    TEXT_VARINT_BYTES = 10, // at most
    TEXT_SIZES_BYTES = 8,   // of a table's mention
    TEXT_DEPTH_MAX = 100,   // of texts inside texts
};

// A table whose array begins at index 0 says so in the size of its array.
#define TEXT_FROM_ZERO UINT32_C(0x80000000)

// The text of a parcel, with what its reader may rely on: it was not sent, but made here.
struct letter {
    uint64_t size_bytes; // of the text
    uint32_t nrefs;
    uint32_t nmoves;
    unsigned char text[]; // and behind it the numbers of the references that are moved
};

static inline unsigned char *lagoon__text_put(unsigned char *at, const void *src,
                                              size_t n)
{
    memcpy(at, src, n);
    return at + n;
}

static inline unsigned char *lagoon__text_put_varint(unsigned char *at, uint64_t n)
{
    while (n >= 0x80) {
        *at++ = (unsigned char)(n | 0x80);
        n >>= 7;
    }
    *at++ = (unsigned char)n;
    return at;
}

// Reads a varint; NULL if there is none before `end`.
static inline const unsigned char *
lagoon__text_varint(const unsigned char *at, const unsigned char *end, uint64_t *out)
{
    uint64_t n = 0;
    for (unsigned shift = 0; shift < 64 && at < end; shift += 7) {
        unsigned char byte = *at++;
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = n;
            return at;
        }
    }
    return NULL;
}

#endif // LAGOON_TEXT_H
