// SPDX-License-Identifier: MIT
//
// What the Lua states of one runtime have in common: the worker states, in which
// parallel() runs functions, and the tasks that wait for one.
//
// A task that has not begun is a job in the run queues (lg_job). The P that comes to
// it places it with a worker that is free, or makes a worker, or leaves it here, where
// a worker that has nothing else to begin takes it. No task is placed with the worker
// that started it. So there are at most one worker per P and one more: one of them is
// neither running nor the task's own.
//
// A worker is free from when the first steps of its last task are over until it is
// given the next: goroutines of former tasks may still live there. Modelled in
// spec/models/pool.pml.
//
// Blocking calls have workers beside those, each one alone (aside.h).
//
// The lock is a leaf: nothing that waits, allocates or stops is called under it.
#ifndef LAGOON_HUB_H
#define LAGOON_HUB_H

#include <lagoon.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_copy;
struct failure;
struct script;
struct task_core;
struct worker;

// Tasks, first in, first out.
struct task_list {
    struct task_core *first;
    struct task_core *last;
};

struct hub {
    lg_runtime *rt;
    struct script *root;    // the state that is no worker: for that one alone, it may end
    lg_strand *root_strand; // its strand, which lives as long as the runtime
    bool is_program;        // as of the root
    bool owns_runtime;      // the same
    // The same, of its collector.
    void (*trace)(void *ud, const char *line);
    bool is_jit_off;          // there, when it came to its first task; so everywhere
    _Atomic bool has_handler; // the root is told of errors (forward.h)
    _Atomic uint32_t nseeds;  // states that have got a seed for math.random
    _Atomic uint32_t noutside_seeds; // those outside (input.h)
    pthread_mutex_t lock;

    // -- lock --
    struct worker *workers;   // all
    struct worker *free;      // those with nothing to begin, the last one first
    struct task_list waiting; // for a worker; started by the root
    size_t nworkers;        // without those of calls, but those that are being made, too
    size_t nmade;           // of them, in `workers`
    size_t nwaiting;        // all, those in the workers' lists too
    struct task_list calls; // blocking ones that wait for a worker (aside.h)
    size_t ncalls;          // of them
    size_t naside;          // workers that calls have, those that are being made, too
    size_t aside_max;       // calls beyond that wait
    int64_t worker_cap;     // of each state that is made (cap.h), bytes; 0: none
    bool is_closed;         // nothing begins any more
    uint64_t last_mark;     // of those that were asked to collect (retire.c)
    char *path;             // package.path of the root
    char *cpath;            // the same
    uint32_t setup;         // counts how often they changed
    struct reloaded *reloads;  // modules that were loaded anew (reload.c)
    _Atomic uint32_t nreloads; // counts that, written under the lock
    bool has_arg;              // the next was tried
    lg_handle *arg;            // the root's global `arg`, a parcel; NULL: none
    int32_t arg_ref;           // of that parcel's value

    struct failure *failures; // tasks that have failed (failed.h)
    size_t nfailures;
    size_t nfailures_looked; // as many were there when it was tidied up

    struct chunk_copy *copies; // of the embedded modules, one for each (embedded.h)

    lg_waitgroup closings; // of workers (retire.c); with a lock of its own

    // -- figures, under the lock --
    uint64_t nstates_made;
    uint64_t nstates_closed;
    int64_t making_ns; // all that it took to make states
    uint64_t ntasks;
};

// Makes the hub of a runtime. NULL: no memory.
struct hub *lagoon__hub_open(lg_runtime *rt, struct script *root);

// Closes all workers; nothing runs any more (lg_stop()).
void lagoon__hub_close(struct hub *hub);

// Queues a task that has not begun. LG_OK or LG_ENOMEM.
int lagoon__hub_start(struct hub *hub, struct task_core *task);

// A worker has begun what it was given, or is done with its call: the next task for it,
// or NULL, and it is free.
struct task_core *lagoon__hub_next(struct hub *hub, struct worker *worker);

// A list's end, and its beginning; NULL: it is empty.
void lagoon__tasks_push(struct task_list *list, struct task_core *task);
struct task_core *lagoon__tasks_pop(struct task_list *list);

// The lock is held: adds a worker that has just been made; takes a free one, which *at
// points to, out of their list.
void lagoon__hub_add_locked(struct hub *hub, struct worker *worker);
struct worker *lagoon__hub_take_locked(struct worker **at);

// The lock is held: the worker that has started a task may be closed.
void lagoon__hub_unpin_locked(struct task_core *task);

// Queues a task anew that is pinned, or ends it.
void lagoon__hub_restart(struct hub *hub, struct task_core *task);

// Ends a task for which there is no memory.
void lagoon__hub_drop(struct task_core *task);

// Notes whether the root has a handler for errors. Inside its strand.
void lagoon__hub_note_handler(struct hub *hub);

// Notes where the root looks for modules. False: no memory.
bool lagoon__hub_set_paths(struct hub *hub, const char *path, const char *cpath);

#endif // LAGOON_HUB_H
