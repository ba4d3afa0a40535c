// SPDX-License-Identifier: MIT
//
// A hard cap for the memory of one Lua state, and what a state does that is refused memory,
// for its own cap or for that of the runtime.
//
// The state's allocator, ours or a host's, is called through one of ours that counts, for
// as long as there is a cap; blocks are the other's as ever. LuaJIT cannot collect while it
// asks for memory. So when seven eighths are used, and a little more again, the next look
// that it takes at its collector is a whole cycle; the same when something was refused. What is
// needed until then, and to tell of the error, comes from a reserve for small requests: the
// last part of the state's cap, and under that of the runtime a block that is given back.
#ifndef LAGOON_CAP_H
#define LAGOON_CAP_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script;

#define CAP_NONE (SIZE_MAX / 2)

// Of whoever is inside the strand.
struct state_cap {
    lua_Alloc alloc; // the state's own; NULL: nothing is counted
    void *ud;
    lua_State *L;      // of the state, for its collector
    size_t max_bytes;  // CAP_NONE: the runtime's cap only
    size_t used_bytes; // by all of the state
    size_t urge_bytes; // from here on the collector is set going
    void *reserve;     // under the runtime's cap; or NULL
    bool is_scarce;    // something was refused, and the reserve may be used
    bool was_refused;  // something was, since somebody looked
};

// What the allocator of a state whose memory is the runtime's does, with or without a cap.
void *lagoon__allocate(lg_runtime *rt, void *ptr, size_t osize, size_t nsize);

// Takes the state's own allocator back: the state is closed, or lives on without us.
void lagoon__cap_undo(struct script *s);

// The state has been collected after a refusal.
void lagoon__cap_recovered(struct script *s);

// Counts in a state if the runtime has a cap.
void lagoon__cap_follow(lua_State *L, struct script *s);

// Whether the state has a cap of its own.
bool lagoon__cap_is_set(const struct state_cap *cap);

// Lets the cap for workers count in a state that has just been made for tasks.
void lagoon__cap_worker(lua_State *L, struct script *s);

// Adds state_cap() and worker_cap() to the table on top.
void lagoon__open_cap(lua_State *L, struct script *s);

#endif // LAGOON_CAP_H
