// SPDX-License-Identifier: MIT
//
// The userdata of a channel.
#ifndef LAGOON_CHAN_H
#define LAGOON_CHAN_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "object.h"
#include "share.h"
#include "slots.h"

struct ticker;

struct chan {
    struct object object;
    lg_chan *ch;           // NULL: the userdata has been finalised
    struct slots refs;     // of its table of references
    bool has_refs;         // its environment is that table
    int32_t nwaiting;      // goroutines that wait on it now
    bool is_moving;        // while it becomes shared, its values are still its state's
    uint32_t mover_hook;   // the script's, by which it is being shared
    uint64_t mover;        // the goroutine
    struct ticker *ticker; // what sends on it, for after() and tick(); or NULL
};

// Whether others know it: what it carries is encoded.
static inline bool lagoon__chan_is_shared(const struct chan *chan)
{
    return chan->object.handle != NULL && !chan->is_moving;
}

// Whether a message may refer to one that has a handle: if it is shared, or if the
// message is of what it holds.
bool lagoon__chan_may_mention(const struct chan *chan);

extern const struct share_ops lagoon__chan_ops;

// The live channel at an index, or raises in the name of a method.
struct chan *lagoon__chan_self(lua_State *L, const char *method);

// Pushes a new channel. Raises.
struct chan *lagoon__chan_new(lua_State *L, struct script *s, size_t cap);

// Adds chan() and the methods' C halves to the table on top.
void lagoon__open_chan(lua_State *L, struct script *s);

#endif // LAGOON_CHAN_H
