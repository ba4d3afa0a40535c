// SPDX-License-Identifier: MIT
//
// The half of a task that states share: where it runs, how it ended. It is the `data`
// of a shared object (KIND_TASK), and each state that has the task has a handle of its
// own (task.h).
//
// Tasks of parallel() have it from the beginning; one of async() gets it when it is
// sent to another state.
#ifndef LAGOON_REMOTE_H
#define LAGOON_REMOTE_H

#include <lagoon.h>
#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "share.h"
#include "task.h"
#include "value.h"

struct hub;
struct limit;
struct worker;

enum { BIRTH_SIZE = 96, NAME_SIZE = 64 };

struct task_core {
    // -- fixed --
    struct hub *hub;
    struct shared *shared;  // whose `data` this is; kept by it, and by `alive`
    struct worker *origin;  // where parallel() was called; NULL: the root
    uint64_t parent;        // the goroutine that called it
    char birth[BIRTH_SIZE]; // where, as in lua_Debug.source
    int line;               // 0: not by a script
    bool is_blocking;       // a call that blocks its thread (aside.h)
    bool is_alone;       // has a state to itself from its beginning to its end (aside.h)
    bool is_outside;     // beside the order (input.h)
    struct limit *limit; // NULL: it has none

    // -- whoever has it in hand: the queues, a worker, its goroutine --
    lg_job job;
    struct task_core *next; // in a list of the hub
    lg_handle *alive;       // keeps the shared object until the end

    // -- any state --
    lg_waitgroup end;       // 1 until it has ended
    _Atomic uint32_t state; // enum task_state; changed under the hub's lock
    _Atomic uint64_t id;    // of its goroutine; 0: not yet

    // -- the hub's lock --
    lg_ref ref;         // of its goroutine, from TASK_STARTED on
    bool is_cancelled;  //
    bool is_reason_due; // cancelled, and not told yet

    // -- who writes: start, end, cancel (the hub's lock). Readers come after --
    struct value call;    // the function and its arguments
    struct value outcome; // results, or the error
    struct value trace;   // of the error: a string
    struct value reason;  // of the cancellation
    void *words;          // for its error, until somebody takes that (failed.h)
    const char *why;      // instead of an outcome: it could not begin
    bool has_begun;       // then its error is encoded as one of several values
    char name[NAME_SIZE]; // the hub's lock; "": none
};

extern const struct share_ops lagoon__task_ops;

// What a handle shares with other states; NULL: it is its state's own.
static inline struct task_core *lagoon__core_of(const struct task *task)
{
    struct shared *shared = lagoon__shared_of(&task->object);
    return shared ? shared->data : NULL;
}

static inline enum task_state lagoon__remote_state(const struct task_core *core)
{
    // acquire: pairs with the release in set_state(); the outcome is there
    return (enum task_state)atomic_load_explicit(&core->state, memory_order_acquire);
}

// Where a task's state changes, the hub's lock is held; the values that go with that are
// written before, by the one who changes it.
static inline void lagoon__set_state_locked(struct task_core *core, enum task_state state)
{
    // release: pairs with the acquire in lagoon__remote_state()
    atomic_store_explicit(&core->state, (uint32_t)state, memory_order_release);
}

static inline enum task_state lagoon__state_locked(const struct task_core *core)
{
    // relaxed: written under the lock
    return (enum task_state)atomic_load_explicit(&core->state, memory_order_relaxed);
}

// Writes one of the values.
void lagoon__remote_set(struct value *slot, struct value value);

// Ends it for all that wait; nothing else is written to it from then on.
void lagoon__remote_set_ended(struct task_core *core, enum task_state state);

// Makes the core of a shared object, which then is a task. Raises.
struct task_core *lagoon__task_core_new(lua_State *L, struct script *s,
                                        struct shared *shared);

// The hub, which the first state makes when it needs one. Raises.
struct hub *lagoon__hub_of(lua_State *L, struct script *s);

// Registers the type of cores. LG_OK or LG_ENOMEM.
int lagoon__task_type(lg_runtime *rt, lg_type **out);

// -- in the state where it runs (taskrun.c) --

// A worker begins: starts the goroutine. False: it was cancelled before.
bool lagoon__remote_begin(struct worker *worker, struct task_core *core);

// Its goroutine has ended; the error is on top of `from`, if status is not 0. The
// results of one that parallel() started have been kept; those of async() are in the
// handle.
void lagoon__remote_end(struct script_g *sg, lua_State *from, int status);

// Takes why it was cancelled, to be raised; *out may be sealed. False: it was not, or
// that has been told.
bool lagoon__remote_take_reason(struct task_core *core, struct value *out);

// Ends what has not begun and cannot; why is a static string.
void lagoon__remote_drop(struct task_core *core, const char *why);

// Push the functions that the goroutine of a task calls first and last: for the function
// and its arguments, and with the results.
void lagoon__push_take(lua_State *L, struct script *s);
void lagoon__push_keep(lua_State *L, struct script *s);

// -- in any state --

// wait(), the C half: the results begin with a code; with WAIT_OUTCOME, task_outcome()
// has more. The handle is at 1.
int lagoon__remote_wait(lua_State *L, struct task_core *core, int64_t deadline_ns);

// Encodes what a task at an index, of this state, has ended with. Raises (task.c).
void lagoon__task_publish(lua_State *L, int index, struct task_core *core);

// cancel(): the reason is at 2. Whether it was alive. Raises.
bool lagoon__remote_cancel(lua_State *L, struct task_core *core);

// "ready", "running", ...
const char *lagoon__remote_status(struct task_core *core);

// The name of a task for reports: of a shared one a copy. NULL: none.
const char *lagoon__task_name(const struct task *task, char copy[NAME_SIZE]);

// name(): pushes it, after it was given a new one if that is not NULL.
void lagoon__remote_name(lua_State *L, struct task_core *core, const char *name);

// Adds task_outcome() to the table on top.
void lagoon__open_remote(lua_State *L, struct script *s);

#endif // LAGOON_REMOTE_H
