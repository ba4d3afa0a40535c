// SPDX-License-Identifier: MIT
#include "hub.h"

#include <lauxlib.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "aside.h"
#include "collect.h"
#include "embedded.h"
#include "failed.h"
#include "input.h"
#include "limit.h"
#include "reload.h"
#include "remote.h"
#include "retire.h"
#include "state.h"
#include "worker.h"

// -- lists of tasks --

void lagoon__tasks_push(struct task_list *list, struct task_core *task)
{
    task->next = NULL;
    if (list->first != NULL) {
        list->last->next = task;
    } else {
        list->first = task;
    }
    list->last = task;
}

struct task_core *lagoon__tasks_pop(struct task_list *list)
{
    struct task_core *task = list->first;
    if (task != NULL) {
        list->first = task->next;
    }
    return task;
}

// -- placing --

static const char no_state[] = "cannot make a Lua state: not enough memory";

// The worker that has started a task is not closed before that is placed, or waits in the
// worker's own list.
static void pin_origin_locked(struct task_core *task)
{
    if (task->origin != NULL) {
        task->origin->npins++;
    }
}

void lagoon__hub_unpin_locked(struct task_core *task)
{
    if (task->origin != NULL) {
        task->origin->npins--;
    }
}

static void unpin_origin(struct task_core *task)
{
    pthread_mutex_lock(&task->hub->lock);
    lagoon__hub_unpin_locked(task);
    pthread_mutex_unlock(&task->hub->lock);
}

struct worker *lagoon__hub_take_locked(struct worker **at)
{
    struct worker *worker = *at;
    *at = worker->next_free;
    worker->is_free = false;
    return worker;
}

void lagoon__hub_add_locked(struct hub *hub, struct worker *worker)
{
    worker->next = hub->workers;
    hub->workers = worker;
    hub->nstates_made++;
    worker->number = (unsigned)hub->nstates_made;
    hub->making_ns += worker->making_ns;
}

// A free worker that did not start the task. is_idle: one that has nothing to do at
// all, not even for a former task.
static struct worker *take_free_locked(struct hub *hub, const struct worker *origin,
                                       bool is_idle)
{
    for (struct worker **at = &hub->free; *at != NULL; at = &(*at)->next_free) {
        struct worker *worker = *at;
        if (worker != origin && (!is_idle || lg_strand_is_idle(worker->strand))) {
            return lagoon__hub_take_locked(at);
        }
    }
    return NULL;
}

static bool may_make_locked(const struct hub *hub)
{
    return hub->nworkers < (size_t)lg_procs(hub->rt) + 1;
}

// Whether somebody will look for tasks that a worker (NULL: the root) has started: a
// worker that has something to begin looks when that is done, and one that is being made
// counts, since who fails to make it looks instead. One that has a call may not come back.
static bool has_looker_locked(const struct hub *hub, const struct worker *origin)
{
    if (hub->nworkers > hub->nmade) {
        return true;
    }
    for (struct worker *worker = hub->workers; worker; worker = worker->next) {
        if (worker != origin && !worker->is_free && !worker->is_aside) {
            return true;
        }
    }
    return false;
}

// Behind the others that wait for a worker.
static void wait_locked(struct hub *hub, struct task_core *task)
{
    lagoon__tasks_push(task->origin ? &task->origin->waiting : &hub->waiting, task);
    hub->nwaiting++;
}

// A task that nobody will look for any more; NULL: there is none.
static struct task_core *take_stranded_locked(struct hub *hub)
{
    struct task_core *task = NULL;
    if (hub->waiting.first && !has_looker_locked(hub, NULL)) {
        task = lagoon__tasks_pop(&hub->waiting);
    }
    for (struct worker *worker = hub->workers; worker && !task; worker = worker->next) {
        if (worker->waiting.first && !has_looker_locked(hub, worker)) {
            task = lagoon__tasks_pop(&worker->waiting);
        }
    }
    if (task != NULL) {
        hub->nwaiting--;
        pin_origin_locked(task);
    }
    return task;
}

void lagoon__hub_drop(struct task_core *task)
{
    lagoon__remote_drop(task, no_state);
}

void lagoon__hub_restart(struct hub *hub, struct task_core *task)
{
    if (lg_job_start(hub->rt, &task->job) != LG_OK) {
        unpin_origin(task);
        lagoon__hub_drop(task);
    }
}

// Tasks that relied on a worker that could not be made begin anew.
static void restart_stranded(struct hub *hub)
{
    for (;;) {
        pthread_mutex_lock(&hub->lock);
        struct task_core *task = take_stranded_locked(hub);
        pthread_mutex_unlock(&hub->lock);
        if (task == NULL) {
            return;
        }
        lagoon__hub_restart(hub, task);
    }
}

// Makes a worker for a task whose origin is pinned, and unpins that.
static struct worker *make_worker(struct hub *hub, struct task_core *task)
{
    struct worker *worker = lagoon__worker_open(hub, NULL);
    pthread_mutex_lock(&hub->lock);
    if (worker != NULL) {
        lagoon__hub_add_locked(hub, worker);
        hub->nmade++;
        lagoon__hub_unpin_locked(task);
    } else {
        hub->nworkers--;
    }
    pthread_mutex_unlock(&hub->lock);
    return worker;
}

// There is no memory for a state: another one takes the task, or it fails.
static struct worker *do_without(struct hub *hub, struct task_core *task)
{
    pthread_mutex_lock(&hub->lock);
    struct worker *worker = take_free_locked(hub, task->origin, false);
    bool has_looker = has_looker_locked(hub, task->origin);
    if (worker == NULL && has_looker) {
        wait_locked(hub, task);
    }
    lagoon__hub_unpin_locked(task);
    pthread_mutex_unlock(&hub->lock);
    if (worker == NULL && !has_looker) {
        lagoon__hub_drop(task);
    }
    restart_stranded(hub);
    return worker;
}

// A worker for a task; NULL: it has to wait, or a worker must be made, which then counts.
static struct worker *choose_locked(struct hub *hub, struct task_core *task,
                                    bool *out_must_make)
{
    struct worker *worker = take_free_locked(hub, task->origin, true);
    *out_must_make = worker == NULL && may_make_locked(hub);
    if (*out_must_make) {
        hub->nworkers++;
        return NULL;
    }
    if (worker == NULL) {
        worker = take_free_locked(hub, task->origin, false);
    }
    if (worker == NULL) {
        wait_locked(hub, task);
    }
    lagoon__hub_unpin_locked(task);
    return worker;
}

// A P has come to a task.
static void place(lg_job *job)
{
    struct task_core *task =
        (struct task_core *)(void *)((char *)job - offsetof(struct task_core, job));
    struct hub *hub = task->hub;
    bool must_make = false;
    struct worker *worker = NULL;
    if (task->limit != NULL) {
        unpin_origin(task);
        lagoon__limit_place(task->limit, task);
        return;
    }
    if (task->is_outside) {
        lagoon__input_place(hub, task);
        return;
    }
    pthread_mutex_lock(&hub->lock);
    if (!hub->is_closed) {
        worker = choose_locked(hub, task, &must_make);
    }
    pthread_mutex_unlock(&hub->lock);
    if (must_make) {
        worker = make_worker(hub, task);
        worker = worker ? worker : do_without(hub, task);
    }
    if (worker != NULL) {
        lagoon__worker_give(worker, task);
    }
}

int lagoon__hub_start(struct hub *hub, struct task_core *task)
{
    task->is_outside |= task->origin != NULL && task->origin->is_outside;
    bool is_aside = (task->is_blocking || task->is_alone) && !task->is_outside;
    if (task->is_outside) {
        lg_job_set_outside(hub->rt, &task->job);
    }
    task->job.fn = is_aside ? lagoon__aside_place : place;
    if (task->origin != NULL) {
        pthread_mutex_lock(&hub->lock);
        pin_origin_locked(task);
        pthread_mutex_unlock(&hub->lock);
    }
    int err = lg_job_start(hub->rt, &task->job);
    if (err) {
        unpin_origin(task);
    }
    return err;
}

// Of the tasks that wait, one that another state has started.
static struct task_core *take_waiting_locked(struct hub *hub, struct worker *worker)
{
    struct task_core *task = lagoon__tasks_pop(&hub->waiting);
    // From the next worker on, round about: each list has its turn.
    struct worker *other = worker->next ? worker->next : hub->workers;
    for (; task == NULL && other != worker;
         other = other->next ? other->next : hub->workers) {
        task = lagoon__tasks_pop(&other->waiting);
    }
    if (task != NULL) {
        hub->nwaiting--;
    }
    return task;
}

struct task_core *lagoon__hub_next(struct hub *hub, struct worker *worker)
{
    struct task_core *homeless = NULL;
    if (worker->limit != NULL || worker->is_outside) {
        return NULL;
    }
    pthread_mutex_lock(&hub->lock);
    struct task_core *task =
        worker->is_aside ? lagoon__aside_next_locked(hub, worker, &homeless) : NULL;
    if (task == NULL && hub->nwaiting > 0) {
        task = take_waiting_locked(hub, worker);
    }
    if (task == NULL) {
        worker->is_free = true;
        worker->free_since_ns = lg_now(hub->rt);
        worker->next_free = hub->free;
        hub->free = worker;
    }
    pthread_mutex_unlock(&hub->lock);
    if (homeless != NULL) {
        lagoon__hub_restart(hub, homeless);
    }
    return task;
}

// -- open and close --

static char *copy_text(lg_runtime *rt, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = lg_malloc(rt, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

bool lagoon__hub_set_paths(struct hub *hub, const char *path, const char *cpath)
{
    bool is_same =
        hub->path && strcmp(hub->path, path) == 0 && strcmp(hub->cpath, cpath) == 0;
    if (is_same) {
        return true; // only the root writes them
    }
    char *new_path = copy_text(hub->rt, path);
    char *new_cpath = copy_text(hub->rt, cpath);
    if (new_path == NULL || new_cpath == NULL) {
        lg_free(hub->rt, new_path);
        lg_free(hub->rt, new_cpath);
        return false;
    }
    pthread_mutex_lock(&hub->lock);
    char *old_path = hub->path;
    char *old_cpath = hub->cpath;
    hub->path = new_path;
    hub->cpath = new_cpath;
    hub->setup++;
    pthread_mutex_unlock(&hub->lock);
    lg_free(hub->rt, old_path);
    lg_free(hub->rt, old_cpath);
    return true;
}

void lagoon__hub_note_handler(struct hub *hub)
{
    // relaxed: nothing goes with it
    atomic_store_explicit(&hub->has_handler, hub->root->refs.handler != LUA_NOREF,
                          memory_order_relaxed);
}

struct hub *lagoon__hub_open(lg_runtime *rt, struct script *root)
{
    struct hub *hub = lg_calloc(rt, 1, sizeof *hub);
    struct chunk_copy *copies = lg_calloc(rt, lagoon_nscripts, sizeof *copies);
    if (hub == NULL || copies == NULL) {
        lg_free(rt, copies);
        lg_free(rt, hub);
        return NULL;
    }
    hub->copies = copies;
    hub->rt = rt;
    hub->root = root;
    hub->root_strand = root->strand;
    hub->is_program = root->is_program;
    hub->owns_runtime = root->owns_runtime;
    hub->trace = root->collector.trace;
    hub->aside_max = ASIDE_DEFAULT;
    pthread_mutex_init(&hub->lock, NULL);
    lagoon__hub_note_handler(hub);
    lg_on_tidy(rt, lagoon__retire_tidy, hub);
    return hub;
}

void lagoon__hub_close(struct hub *hub)
{
    if (hub == NULL) {
        return;
    }
    hub->is_closed = true;
    while (hub->workers != NULL) {
        struct worker *worker = hub->workers;
        hub->workers = worker->next;
        lagoon__worker_drop(worker);
    }
    lagoon__failed_fini(hub);
    lagoon__reload_fini(hub);
    lagoon__embedded_fini(hub);
    lg_handle_free(hub->arg);
    pthread_mutex_destroy(&hub->lock);
    lg_free(hub->rt, hub->path);
    lg_free(hub->rt, hub->cpath);
    lg_free(hub->rt, hub);
}
