// SPDX-License-Identifier: MIT
//
// A message that is being read (decode.c), with what its parts need of each other:
// closures (closure.c) and what is rebuilt (rebuild.c).
//
// Nothing in the text is trusted. Memory is asked for in proportion to its length: each
// element that a table claims to have takes a byte of it, and no two the same.
//
// The stack of L: the values, then what is kept, and above that what the moment needs.
#ifndef LAGOON_DECODE_H
#define LAGOON_DECODE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kept.h"
#include "object.h"
#include "parcel.h"
#include "text.h"

struct script;
struct shared;

enum { DECODE_ROOM = 16 };

enum thing_kind { THING_OTHER, THING_TABLE, THING_CLOSURE };

// An object, and what its mention has said of its body.
struct thing {
    uint32_t kind; // enum thing_kind
    union {
        uint32_t narray; // as in the text
        uint32_t nups;
    };
    uint32_t nhash;
};

struct decoder {
    lua_State *L;
    struct script *s;
    const unsigned char *at;
    const unsigned char *end;
    size_t budget; // how many elements there may still be
    void **refs;   // struct shared
    uint32_t nrefs;
    bool is_plain; // data only: no code, no metatables, nothing is called
    uint32_t nobjects;
    uint32_t nseen; // of them
    int depth;      // of texts inside texts
    struct kept kept;
    struct thing *things; // nobjects
};

_Noreturn void lagoon__decode_broken(struct decoder *d);

// Pushes a value. Raises.
void lagoon__decode_value(struct decoder *d);

// Pushes the values of a text with its own numbers; returns how many. Raises.
int lagoon__decode_values(struct decoder *d);

// Reads a number that must be less than `limit`. Raises.
uint32_t lagoon__decode_number(struct decoder *d, uint32_t limit);

// Reads a reference to an object of a kind. Raises.
struct shared *lagoon__decode_ref(struct decoder *d, enum kind kind);

// Skips a tag if it stands there. Raises at the text's end.
bool lagoon__decode_skip(struct decoder *d, enum text_tag tag);

#endif // LAGOON_DECODE_H
