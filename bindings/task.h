// SPDX-License-Identifier: MIT
//
// The handle of a goroutine: its results or error, its name, its end.
#ifndef LAGOON_TASK_H
#define LAGOON_TASK_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "object.h"
#include "state.h"

enum task_state {
    TASK_NEW,
    TASK_STARTED,
    TASK_DONE,
    TASK_FAILED,
    TASK_CANCELLED,
};

// What a task keeps in its environment table, beside results at 1, 2, ...; it
// has none before it needs one.
enum task_key {
    TASK_ERROR = -1,
    TASK_TRACE = -2,  // of that error
    TASK_REASON = -3, // of its cancellation
    TASK_NAME = -4,
};

struct task {
    struct object object;
    struct script_g *sg; // NULL once it has ended
    lg_ref ref;
    lg_waitgroup end; // 1 until it has ended
    struct birthplace birth;
    const char *name; // NULL: none
    int slot;         // keeps the handle alive until the end
    int nresults;
    enum task_state state;
    bool has_env;
    bool is_cancelled;
    bool is_remote;     // its state and its outcome are in what it shares (remote.h)
    bool is_async;      // its error waits to be taken; else it is unhandled
    bool is_reason_due; // cancelled, and not told yet
    bool is_taken;
};

// Reports the tasks that have failed and that nobody has waited for: the process
// is about to end without closing the state. Raises.
void lagoon__report_failed_tasks(lua_State *L, struct script *s);

// Starts the function below nargs arguments, all on top of L, which it replaces
// with a task. Raises, with nothing started.
struct task *lagoon__async(lua_State *L, struct script *s, int nargs);

// The same in a scope that is held; NULL: in none.
struct task *lagoon__async_in(lua_State *L, struct script *s, struct scope *scope,
                              int nargs);

// Called when a goroutine with a task ends; results or error are on `from`.
void lagoon__task_end(struct script_g *sg, lua_State *from, int status);

// Called before its first step. True: it was cancelled, and has ended.
bool lagoon__task_is_dropped(struct script_g *sg);

// Called when a goroutine with a task was killed.
void lagoon__task_kill(struct script_g *sg);

// Pushes a code and why a goroutine was cancelled; returns 2.
int lagoon__push_reason(lua_State *L, struct script_g *sg);

// The reason on top of L, of another state, is about to be raised: if it leaves the
// goroutine, that was cancelled. Raises.
void lagoon__note_reason(lua_State *L, struct script_g *sg);

// Makes the goroutine the task's.
void lagoon__task_bind(struct task *task, struct script_g *sg, lg_ref ref);

// Pops n results, or an error and its traceback, of the task at an index, which
// has ended elsewhere. Raises.
void lagoon__task_store_results(lua_State *L, int index, int n);
void lagoon__task_store_error(lua_State *L, int index, enum task_state state);

// Pushes a code and the results or the error of an ended task at an index;
// returns how many.
int lagoon__push_outcome(lua_State *L, int index, struct task *task);

// Pushes a result, or an entry of enum task_key, of the task at an index.
void lagoon__push_task_entry(lua_State *L, int index, int key);

// Pops a value into an entry of enum task_key of the task at an absolute index. Raises.
void lagoon__task_set_entry(lua_State *L, int index, int key);

// Makes ready: called once when a state opens, which may have handles before it has
// their methods. Raises.
void lagoon__task_init(lua_State *L, struct script *s);

// Adds async(), self() and the methods to the table on top.
void lagoon__open_task(lua_State *L, struct script *s);

#endif // LAGOON_TASK_H
