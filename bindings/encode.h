// SPDX-License-Identifier: MIT
//
// A message that is being written (encode.c), with what its parts need of each other:
// functions (closure.c), hooks (rebuild.c), paths in errors (path.c).
//
// The stack of L: what keeps the scratch, what is kept (kept.h), and above that what
// the moment needs. Each node has something kept, under its number, until the parcel is
// made: no pointer of the map's goes stale, whatever runs meanwhile.
#ifndef LAGOON_ENCODE_H
#define LAGOON_ENCODE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kept.h"
#include "parcel.h"
#include "scratch.h"
#include "state.h"
#include "text.h"

// What is mentioned by no body: the n-th of the values.
#define PARENT_ROOT UINT32_C(0x80000000)

// Room on the stack beside what is kept, for one text.
enum { ENCODE_ROOM = 32 };

struct sharing;

struct encoder {
    lua_State *L;
    struct script *s;
    struct scratch *scratch;
    unsigned char *at;  // in the scratch's text
    unsigned char *end; //
    struct kept kept;
    const void *globals;       // the environment of L
    const void *state_globals; // and that of the state
    uint32_t body;             // the node whose body is being written; or a root
    uint32_t space;            // the text inside the text
    uint32_t nspaces;
    uint32_t nobjects; // in this space
    uint32_t nmoves;
    int depth; // of texts inside texts
    enum route route;
    struct sharing *sharing; // of the channel that holds it; NULL: it is sent by itself
};

// Makes the text longer than the scratch is: by n bytes at least. Raises.
void lagoon__encode_grow(struct encoder *e, size_t n);

// Sees to it that n bytes can be written.
static inline void lagoon__encode_room(struct encoder *e, size_t n)
{
    if ((size_t)(e->end - e->at) < n) {
        lagoon__encode_grow(e, n);
    }
}

static inline size_t lagoon__encode_offset(const struct encoder *e)
{
    return (size_t)(e->at - e->scratch->text);
}

// Writes a tag and a number.
static inline void lagoon__encode_tag(struct encoder *e, enum text_tag tag, uint64_t n)
{
    lagoon__encode_room(e, 1 + TEXT_VARINT_BYTES);
    *e->at++ = (unsigned char)tag;
    e->at = lagoon__text_put_varint(e->at, n);
}

// Writes the value at an index that is relative to the top, or absolute. Raises.
void lagoon__encode_value(struct encoder *e, int index);

// Writes the value on top, which is no plain one, and pops it. Raises.
void lagoon__encode_mention(struct encoder *e);

// Writes n values from an index on, as a text of its own: head, values, bodies. Raises.
void lagoon__encode_values(struct encoder *e, int first, int n);

// Writes a string that no other will refer to.
void lagoon__encode_bytes(struct encoder *e, const char *bytes, size_t length);

// The node of a key; NULL: it has none.
struct node *lagoon__encode_find(struct encoder *e, const void *key, uint32_t space);

// Adds a node. What is on top is kept, and stays there. The node does not move until
// the next one is added. Raises.
struct node *lagoon__encode_add(struct encoder *e, const void *key, uint32_t space,
                                enum node_kind kind);

// The same for an object, which gets the next number of this space.
struct node *lagoon__encode_add_object(struct encoder *e, const void *key,
                                       enum node_kind kind);

// The number of what is sent by reference, under a key. `shared` is kept alive by what
// is on top; NULL: that is a userdata, which is still to be shared. Raises.
uint32_t lagoon__encode_refer(struct encoder *e, const void *key, void *shared,
                              enum node_kind kind);

// Raises: what is on top, a `what`, cannot be sent. `why` ends the message.
_Noreturn void lagoon__encode_refuse(struct encoder *e, const char *what,
                                     const char *why);

#endif // LAGOON_ENCODE_H
