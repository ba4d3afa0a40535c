// SPDX-License-Identifier: MIT
//
// The userdata of ours that scripts hold: each begins with what it is and to
// which state it belongs, so that a C function knows its argument at a glance.
#ifndef LAGOON_OBJECT_H
#define LAGOON_OBJECT_H

#include <lagoon.h>
#include <lua.h>
#include <stddef.h>
#include <stdint.h>

struct script;

enum kind {
    KIND_CHAN,
    KIND_TASK,
    KIND_TIMER,
    KIND_MUTEX,
    KIND_RWMUTEX,
    KIND_WAITGROUP,
    KIND_COND,
    KIND_ONCE,
    KIND_SEMAPHORE,
    KIND_ATOMIC,
    KIND_MAP,
    KIND_BUFFER,
    KIND_MOVE, // a buffer on its way out
    KIND_FROZEN,
    KIND_LISTENER,
    KIND_CONN,
    KIND_UDP,
    KIND_PROCESS,
    KIND_FILE,
    KIND_FSWATCH, // scripts do not see it
    KIND_TLS,     // nor this one
    KIND_CHUNKS,  // a decoder of http; scripts do not see it
    KIND_FETCH,   // a request of http, which they do not see, either
    KIND_FRAMES,  // those of a WebSocket; nor them
    KIND_CODE,    // scripts do not see it, either
    KIND_CLASS,   // nor this
    KIND_CLOCK,
    KIND_EVENT,
    KIND_SCOPE, // scripts do not see it, either
    NKINDS,
};

struct object {
    uint64_t mark; // tells our userdata from a stranger's, and its kind
    struct script *script;
    lg_handle *handle; // of what it shares with other states (share.h); or NULL
};

// Called when a userdata has been finalised: a finaliser that runs later may still hold
// it, and finds it dead. Its script is none that is open.
void lagoon__object_end(struct object *object);

// What a kind is called in messages: "channel".
const char *lagoon__kind_name(enum kind kind);

// Pushes a zeroed userdata of a kind, with the kind's metatable. Raises.
void *lagoon__object_new(lua_State *L, struct script *s, enum kind kind,
                         size_t size_bytes);

// The object at an index, or NULL if it is none of that kind.
void *lagoon__object_at(lua_State *L, int index, enum kind kind);

// The object of ours at an index, of any kind, or NULL if it is none.
void *lagoon__object_any(lua_State *L, int index, enum kind *out_kind);

// The `__tostring` of kinds that have nothing to add: "mutex: 0x7f...".
int lagoon__object_tostring(lua_State *L);

// The object at index 1, or raises in the name of one of its methods.
void *lagoon__self(lua_State *L, enum kind kind, const char *method);

// Pushes the metatable of a kind, making it if there is none. Raises.
void lagoon__class(lua_State *L, enum kind kind);

#endif // LAGOON_OBJECT_H
