// SPDX-License-Identifier: MIT
#include "failed.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "errorinfo.h"
#include "fail.h"
#include "hub.h"
#include "remote.h"
#include "report.h"
#include "state.h"

// In the hub's list, until that is closed or `words` is gone: so it can also be told when there is
// no time for a finaliser any more.
struct failure {
    struct failure *next;
    _Atomic bool is_told; // or taken
    _Atomic bool is_gone; // nobody has the task any more, and it was told
    char text[];
};

// What `words` of a task refers to: an object of the core's collector.
struct words {
    struct failure *failure;
};

static bool take(struct failure *failure)
{
    // relaxed: who changes it tells
    return !atomic_exchange_explicit(&failure->is_told, true, memory_order_relaxed);
}

static void finalise(void *obj, void *ud)
{
    struct failure *failure = ((struct words *)obj)->failure;
    if (take(failure)) {
        lagoon__tell_failure(ud, failure->text);
    }
    // release: pairs with the acquire in take_gone_locked(); we are done with it
    atomic_store_explicit(&failure->is_gone, true, memory_order_release);
}

// Takes out of the list what is gone, whenever it has doubled.
static struct failure *take_gone_locked(struct hub *hub)
{
    struct failure *gone = NULL;
    if (hub->nfailures < hub->nfailures_looked * 2 + 16) {
        return NULL;
    }
    for (struct failure **at = &hub->failures; *at != NULL;) {
        struct failure *failure = *at;
        // acquire: pairs with the release in finalise()
        if (atomic_load_explicit(&failure->is_gone, memory_order_acquire)) {
            *at = failure->next;
            failure->next = gone;
            gone = failure;
            hub->nfailures--;
        } else {
            at = &failure->next;
        }
    }
    hub->nfailures_looked = hub->nfailures;
    return gone;
}

static void free_all(struct hub *hub, struct failure *failure)
{
    while (failure != NULL) {
        struct failure *next = failure->next;
        lg_free(hub->rt, failure);
        failure = next;
    }
}

static struct failure *new_failure(lua_State *L, struct hub *hub, int index)
{
    size_t length;
    const char *text = lua_tolstring(L, index, &length);
    struct failure *failure = lg_calloc(hub->rt, 1, sizeof *failure + length + 1);
    if (failure == NULL) {
        lagoon__raise_memory(L);
    }
    memcpy(failure->text, text, length + 1);
    return failure;
}

static void note(struct hub *hub, struct failure *failure)
{
    pthread_mutex_lock(&hub->lock);
    struct failure *gone = take_gone_locked(hub);
    failure->next = hub->failures;
    hub->failures = failure;
    hub->nfailures++;
    pthread_mutex_unlock(&hub->lock);
    free_all(hub, gone);
}

void lagoon__failed_keep(lua_State *L, struct script *s, struct task_core *core)
{
    static const char introduction[] = "a task failed, and nobody waited for it: ";
    lua_pushstring(L, introduction);
    lua_insert(L, -3);
    lua_pushliteral(L, "\n");
    lua_insert(L, -2);
    lua_concat(L, 4);
    lg_handle *handle;
    struct words *words = lagoon__gc_new(s, s->types.bytes, sizeof *words, &handle);
    if (words == NULL) {
        lagoon__raise_memory(L);
    }
    lagoon__gc_set(&core->words, words);
    lg_handle_free(handle);
    words->failure = new_failure(L, core->hub, -1);
    note(core->hub, words->failure);
    if (lg_set_finalizer(s->rt, words, finalise, s->rt) != LG_OK) {
        lagoon__raise_memory(L);
    }
}

void lagoon__failed_take(struct task_core *core)
{
    struct words *words = core->words;
    if (words != NULL && words->failure != NULL) {
        // relaxed: as in take()
        atomic_store_explicit(&words->failure->is_told, true, memory_order_relaxed);
    }
}

void lagoon__failed_rest(size_t nfailed)
{
    if (nfailed > FAILED_TOLD_MAX) {
        char text[64];
        snprintf(text, sizeof text, "... and %zu more tasks failed",
                 nfailed - FAILED_TOLD_MAX);
        lagoon__print_error(text);
    }
}

void lagoon__failed_report(struct hub *hub)
{
    size_t nfailed = 0;
    if (hub == NULL) {
        return;
    }
    pthread_mutex_lock(&hub->lock);
    for (struct failure *failure = hub->failures; failure; failure = failure->next) {
        if (take(failure) && nfailed++ < FAILED_TOLD_MAX) {
            lagoon__tell_failure(hub->rt, failure->text);
        }
    }
    pthread_mutex_unlock(&hub->lock);
    lagoon__failed_rest(nfailed);
}

void lagoon__failed_fini(struct hub *hub)
{
    free_all(hub, hub->failures);
    hub->failures = NULL;
}
