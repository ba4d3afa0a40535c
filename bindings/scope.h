// SPDX-License-Identifier: MIT
//
// What belongs to a group in one Lua state: goroutines with all that they start (goroutines,
// timers, tasks, groups), and the clock that they are on. So all of it can be ended.
//
// A scope is a userdata. A slot keeps it while something in it lives; who lives points to
// it. Its environment has what Lua knows of it (enum scope_key).
//
// Cancelled, a blocking call in it raises the reason, and then each that would have to wait,
// again and again: what needs no waiting can be tidied up. Killed, nothing of
// it is resumed any more: its goroutines end where they wait, without unwinding.
#ifndef LAGOON_SCOPE_H
#define LAGOON_SCOPE_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "object.h"

struct pending;
struct script;
struct script_g;
struct task_core;

enum scope_key {
    SCOPE_REASON = 1,   // of its cancellation
    SCOPE_CHILDREN = 2, // groups that were made in it: weak keys
    SCOPE_REMOTES = 3,  // tasks in other states that were started in it
};

struct scope {
    struct object object;
    lg_clock *clock;         // has a reference; NULL: the runtime's
    struct script_g *gs;     // goroutines, through next_in_scope
    struct pending *pending; // timers (timers.c)
    size_t nlive;            // of both
    int slot;                // keeps it alive; 0: nothing lives
    int nremotes;            // in SCOPE_REMOTES
    int remotes_cap;         // when ended ones are taken out
    struct scope *next;      // of those with a slot, in the state's list
    struct scope **link;
    bool is_cancelled;
    bool is_killed;
};

// Pushes a new scope. clock may be NULL. Raises.
struct scope *lagoon__scope_new(lua_State *L, struct script *s, lg_clock *clock);

// The scope of the running goroutine; NULL: it is in none.
struct scope *lagoon__scope_self(struct script *s);

// Keeps the scope at an index alive: something is about to live in it. Raises.
void lagoon__scope_hold(lua_State *L, struct script *s, int index);

// Something lives in a scope that is held, or does not any more.
void lagoon__scope_add(struct scope *scope);
void lagoon__scope_drop(struct scope *scope);

// Puts a new goroutine into a scope that is held; NULL does nothing.
void lagoon__scope_join(struct scope *scope, struct script_g *sg);

// A goroutine has ended.
void lagoon__scope_leave(struct script_g *sg);

// Before its first step: puts the goroutine onto its clock.
void lagoon__scope_begin(struct script_g *sg);

// Whether its scope is cancelled: it does not start, or is told again and again.
bool lagoon__scope_is_cancelled(const struct script_g *sg);

// Pushes why.
void lagoon__scope_push_reason(lua_State *L, struct script_g *sg);

// Whether the error at an index is that reason, itself.
bool lagoon__scope_is_reason(lua_State *L, struct script_g *sg, int index);

// It has been told that it is cancelled: each call that would have to wait tells it, too.
void lagoon__scope_told(struct script_g *sg);

// A task that runs here for another state has been told, and the reason is on top of L: if
// it was its group that cancelled it, all that it has started here is, too.
void lagoon__scope_told_remote(lua_State *L, struct script_g *sg);

// Whether it is not to be resumed any more. A task of a group in another state finds that
// out here, and all that it has started is killed.
bool lagoon__scope_is_killed(struct script_g *sg);

// Ends the running goroutine, which has been killed: what a C function must return. Raises
// where it must not wait.
int lagoon__scope_die(lua_State *L);

// What a task that is sent to another state has of a scope; NULL: nothing.
void lagoon__scope_send(struct scope *scope, struct task_core *core);

// The task on top of L runs in another state, and belongs to the running goroutine's scope:
// what ends that ends it. Raises.
void lagoon__scope_note(lua_State *L, struct script *s);

// Makes a scope for such a task and pushes it; pushes nil if it needs none. Raises.
struct scope *lagoon__scope_of_task(lua_State *L, struct script *s,
                                    const struct task_core *core);

// Ends the task at an index, for the reason at another one, with all that it has started. A
// reason that cannot be sent is left here.
void lagoon__scope_end_remote(lua_State *L, int task, int reason, bool is_kill);

// Makes ready: called once when a state opens, which may run tasks of groups before it has
// the module. Raises.
void lagoon__scope_init(lua_State *L, struct script *s);

// Add the functions to the table on top: those of living scopes, those that end them.
void lagoon__open_scope(lua_State *L, struct script *s);
void lagoon__open_scopeend(lua_State *L, struct script *s);

#endif // LAGOON_SCOPE_H
