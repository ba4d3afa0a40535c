// SPDX-License-Identifier: MIT
//
// Memory for the core's locks that userdata hold: it stays where it is when the
// userdata is shared with other states, and when the userdata is finalised while the
// state is being closed and somebody still waits: then it is the runtime's end that
// frees it. So what is not used any more goes to a list of the script's, and is used
// again.
#ifndef LAGOON_CORES_H
#define LAGOON_CORES_H

#include <lagoon.h>
#include <lua.h>

struct script;

struct core_block {
    struct core_block *next; // in the script's list
    union {
        lg_mutex mutex;
        lg_rwmutex rwmutex;
        lg_waitgroup waitgroup;
        lg_semaphore semaphore;
    };
};

// A zeroed one. Raises.
void *lagoon__core_new(lua_State *L, struct script *s);

// Nobody uses it any more, but perhaps goroutines of a state that is being closed.
void lagoon__core_put(struct script *s, void *core);

// Frees one that was shared.
void lagoon__core_free(lg_runtime *rt, void *core);

// Frees the list of a script whose goroutines have all ended.
void lagoon__cores_fini(struct script *s);

#endif // LAGOON_CORES_H
