// SPDX-License-Identifier: MIT
#include "aside.h"

#include <stdatomic.h>

#include "remote.h"
#include "state.h"
#include "worker.h"

// One of which nobody else wants anything; NULL: there is none. It counts among those
// aside from here on.
static struct worker *take_empty_locked(struct hub *hub, bool is_alone)
{
    for (struct worker **at = &hub->free; *at != NULL; at = &(*at)->next_free) {
        if (lagoon__worker_is_empty(*at)) {
            struct worker *worker = lagoon__hub_take_locked(at);
            worker->is_aside = true;
            worker->is_alone = is_alone;
            hub->nworkers--;
            hub->nmade--;
            return worker;
        }
    }
    return NULL;
}

static void wait_locked(struct hub *hub, struct task_core *task)
{
    lagoon__tasks_push(&hub->calls, task);
    hub->ncalls++;
}

static struct task_core *take_waiting_locked(struct hub *hub)
{
    struct task_core *task = lagoon__tasks_pop(&hub->calls);
    hub->ncalls -= task != NULL;
    return task;
}

// Whether it may wait in line: who has called it keeps no place there, nor does what may never
// end.
static bool may_wait_locked(const struct task_core *task)
{
    return !task->is_alone && (task->origin == NULL || !task->origin->is_aside);
}

// Makes a worker for a call, which has been counted. NULL: no memory, and it is not.
static struct worker *make_worker(struct hub *hub, struct task_core *task)
{
    struct worker *worker = lagoon__worker_open(hub, NULL);
    pthread_mutex_lock(&hub->lock);
    if (worker != NULL) {
        worker->is_aside = true;
        worker->is_alone = task->is_alone;
        lagoon__hub_add_locked(hub, worker);
        lagoon__hub_unpin_locked(task);
    } else {
        hub->naside -= !task->is_alone;
    }
    pthread_mutex_unlock(&hub->lock);
    return worker;
}

// There is no memory for a state: the call waits for one of those that are aside, or it
// fails.
static void do_without(struct hub *hub, struct task_core *task)
{
    pthread_mutex_lock(&hub->lock);
    bool must_drop = hub->naside == 0 || !may_wait_locked(task);
    if (must_drop) {
        lagoon__hub_unpin_locked(task);
    } else {
        wait_locked(hub, task);
    }
    pthread_mutex_unlock(&hub->lock);
    if (must_drop) {
        lagoon__hub_drop(task);
    }
}

// The worker for a call; NULL: it waits, or one must be made.
static struct worker *choose_locked(struct hub *hub, struct task_core *task,
                                    bool *out_must_make)
{
    if (hub->naside >= hub->aside_max && may_wait_locked(task)) {
        wait_locked(hub, task);
        return NULL;
    }
    hub->naside += !task->is_alone;
    struct worker *worker = take_empty_locked(hub, task->is_alone);
    *out_must_make = worker == NULL;
    if (worker != NULL) {
        lagoon__hub_unpin_locked(task);
    }
    return worker;
}

void lagoon__aside_place(lg_job *job)
{
    struct task_core *task =
        (struct task_core *)(void *)((char *)job - offsetof(struct task_core, job));
    struct hub *hub = task->hub;
    bool must_make = false;
    pthread_mutex_lock(&hub->lock);
    struct worker *worker = choose_locked(hub, task, &must_make);
    pthread_mutex_unlock(&hub->lock);
    if (must_make) {
        worker = make_worker(hub, task);
    }
    if (worker != NULL) {
        lagoon__worker_give(worker, task);
    } else if (must_make) {
        do_without(hub, task);
    }
}

struct task_core *lagoon__aside_next_locked(struct hub *hub, struct worker *worker,
                                            struct task_core **homeless)
{
    // relaxed: written inside the strand
    bool is_empty =
        atomic_load_explicit(&worker->script->nbusy, memory_order_relaxed) == 0;
    bool may_take = !worker->is_alone && hub->naside <= hub->aside_max;
    struct task_core *task = may_take ? take_waiting_locked(hub) : NULL;
    if (task != NULL && is_empty) {
        lagoon__hub_unpin_locked(task);
        return task;
    }
    if (task != NULL) {
        *homeless = task; // goroutines of the last call still live here
    }
    hub->naside -= !worker->is_alone;
    worker->is_aside = worker->is_alone = false;
    hub->nworkers++;
    hub->nmade++;
    return NULL;
}

void lagoon__aside_set_max(struct hub *hub, size_t max)
{
    struct task_list ready = {0};
    pthread_mutex_lock(&hub->lock);
    hub->aside_max = max;
    for (size_t n = hub->naside; n < max; n++) {
        struct task_core *task = take_waiting_locked(hub);
        if (task == NULL) {
            break;
        }
        lagoon__tasks_push(&ready, task);
    }
    pthread_mutex_unlock(&hub->lock);
    struct task_core *task;
    while ((task = lagoon__tasks_pop(&ready)) != NULL) {
        lagoon__hub_restart(hub, task);
    }
}
