// SPDX-License-Identifier: MIT
//
// Bytes that several Lua states see at once. A buffer and its slices, of all states, are
// shared objects over one block:
//
//   shared object of a buffer, or a slice          block: an object of the collector
//     data  ------------------------------------>    bytes
//     more  ------------------------------------>    owner: a number
//     word   how many bytes
//     word2  the owner that it belongs to
//
// Moving a block gives it a new owner: from then on the objects of the former one raise,
// wherever they are. They go on keeping the memory, so that a pointer that was taken
// before reads bytes of the new owner's, but nothing else.
//
//   buf:move()             KIND_MOVE: refers to the same object; all works as with buf
//   lagoon__move_begin()   a new object, of a new owner, on its way: buf raises now
//     it is received       it is an object as any other
//     lagoon__move_recall()  buf's owner is the owner again
#ifndef LAGOON_BUFFER_H
#define LAGOON_BUFFER_H

#include <lua.h>
#include <stdatomic.h>
#include <stdint.h>

#include "object.h"
#include "share.h"

struct script;

// The userdata, of KIND_BUFFER as of KIND_MOVE.
struct buffer {
    struct object object;
    struct shared *shared; // what its handle holds
    lg_handle *sent;       // KIND_MOVE: the object that it was sent as last
};

extern const struct share_ops lagoon__buffer_ops;

// For compiled code: the first byte; NULL, it has been moved or is dead.
unsigned char *lagoon__buffer_bytes(const struct buffer *buffer);

// How many bytes: less than 2^53.
static inline uint64_t lagoon__buffer_size(const struct buffer *buffer)
{
    // relaxed: never changed since it was made
    return atomic_load_explicit(&buffer->shared->word, memory_order_relaxed);
}

// Sends the memory of the KIND_MOVE at an index away: returns the buffer for the
// receiver, who pushes it with lagoon__push_shared(). It is alive as long as the
// userdata is. Raises if the buffer has been moved already, with nothing changed.
struct shared *lagoon__move_begin(lua_State *L, struct script *s, int index);

// It was not sent: the memory belongs to whom it belonged before, unless it has been
// received. Any thread.
void lagoon__move_recall(struct shared *moved);

// It has been received. Any thread. (lagoon__push_shared() calls it as well.)
void lagoon__move_end(struct shared *moved);

// Adds buffer() and the methods to the table on top.
void lagoon__open_buffer(lua_State *L, struct script *s);

#endif // LAGOON_BUFFER_H
