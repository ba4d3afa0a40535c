// SPDX-License-Identifier: MIT
//
// The channels that one message makes shared: all of them, or none. Each is made ready,
// which may run code and fail; then nothing can fail any more, and all change at once.
#ifndef LAGOON_CHANSHARE_H
#define LAGOON_CHANSHARE_H

#include <lua.h>
#include <stdbool.h>

struct chan;
struct pending;
struct script;
struct shared;

struct sharing {
    struct script *s;
    struct pending *first; // the channel that came last
    int table;             // in the registry: what keeps them; 0: none yet
};

// Adds the channel at an absolute index. Raises.
void lagoon__sharing_add(lua_State *L, struct sharing *sharing, int index);

// Encodes what the channel holds that was added last, and is at an absolute index;
// others that are mentioned are added. Raises.
void lagoon__sharing_encode(lua_State *L, struct sharing *sharing, int index,
                            struct shared *shared);

// Whether all channels are still as they were when they were encoded.
bool lagoon__sharing_is_valid(struct sharing *sharing);

// Has all of them be shared, if they are valid. L has room for 8 values.
void lagoon__sharing_commit(lua_State *L, struct sharing *sharing);

// Has all of them be as they were. L has room for 8 values.
void lagoon__sharing_undo(lua_State *L, struct sharing *sharing);

// Raises what has kept them from being shared, after that has been undone: the error on
// top of L, or that they are not valid.
_Noreturn void lagoon__sharing_raise(lua_State *L, bool has_error);

#endif // LAGOON_CHANSHARE_H
