// SPDX-License-Identifier: MIT
//
// A worker: a Lua state in which tasks of other states run, each a goroutine of the
// state's strand, with an environment of its own over the state's globals.
#ifndef LAGOON_WORKER_H
#define LAGOON_WORKER_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "hub.h"

struct limit;

struct worker {
    // -- fixed --
    struct hub *hub;
    lua_State *L;
    struct script *script;
    lg_strand *strand;
    bool is_outside;     // beside the order (input.h): for one task, never free
    struct limit *limit; // it is for one task, and the hub does not list it; or NULL

    // -- the hub's lock --
    struct worker *next;      // of all
    struct worker *next_free; //
    struct task_list waiting; // started by it, for other workers
    struct task_core *given;  // to be begun
    int64_t free_since_ns;    //
    int64_t collected_ns;     // free_since_ns when it was last asked to collect
    uint64_t mark;            // of the last who asked
    uint32_t npins; // requests, and tasks that it has started: it is not closed before
                    // those are placed
    bool is_free;
    bool is_aside; // a blocking call, or a task, has it alone (aside.h)
    bool is_alone; // it is a task

    // -- fixed, once made --
    unsigned number;   // from 1 on; 0: the hub does not list it
    int64_t making_ns; // that it took

    // -- inside the strand --
    lg_post begin;     // begins what was given
    lg_post look;      // behind that: looks for more
    uint32_t setup;    // the hub's, as it was applied
    uint32_t nreloads; // the hub's, as it has caught up with
};

// Makes a worker, which has begun nothing; outside of any goroutine. NULL: no memory.
struct worker *lagoon__worker_open(struct hub *hub, struct limit *limit);

// The same beside the order of a deterministic runtime (input.h).
struct worker *lagoon__worker_open_outside(struct hub *hub);

// Whether nothing of a free worker is left that could come to life, and nobody but the hub
// can give it work; the hub's lock is held. In this order: a strand that is idle may be
// woken by what is pending; one of which nothing is left can only finish its last step.
bool lagoon__worker_is_empty(const struct worker *worker);

// A worker that was pinned may be closed.
void lagoon__worker_unpin(struct worker *worker);

// Pushes a fresh environment over the globals of a worker's state. Raises.
void lagoon__worker_push_env(lua_State *L, struct script *s);

// Ends a worker of which no goroutine is left and whose strand is closed: what it holds
// goes back while the others run on.
void lagoon__worker_close(struct worker *worker);

// Ends a worker when nothing runs any more (lg_stop()): its memory goes with the
// runtime's.
void lagoon__worker_drop(struct worker *worker);

// Hands a task over.
void lagoon__worker_give(struct worker *worker, struct task_core *task);

#endif // LAGOON_WORKER_H
