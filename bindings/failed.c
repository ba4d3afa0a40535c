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

// What `words` of a task refers to.
struct words {
    _Atomic bool is_told; // or taken
    char text[];
};

// In the hub's list.
struct failure {
    struct failure *next;
    lg_weak *words; // gone: nobody has the task any more, and it was told
};

static bool take(struct words *words)
{
    // relaxed: who changes it tells
    return !atomic_exchange_explicit(&words->is_told, true, memory_order_relaxed);
}

static void finalise(void *obj, void *ud)
{
    struct words *words = obj;
    if (take(words)) {
        lagoon__tell_failure(ud, words->text);
    }
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
        if (lg_weak_get(failure->words) == NULL) {
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
        lg_weak_free(failure->words);
        lg_free(hub->rt, failure);
        failure = next;
    }
}

static struct failure *note(lua_State *L, struct hub *hub, struct words *words)
{
    struct failure *failure = lg_calloc(hub->rt, 1, sizeof *failure);
    if (failure == NULL || lg_weak_new(hub->rt, words, &failure->words) != LG_OK) {
        lg_free(hub->rt, failure);
        lagoon__raise_memory(L);
    }
    return failure;
}

void lagoon__failed_keep(lua_State *L, struct script *s, struct task_core *core)
{
    static const char introduction[] = "a task failed, and nobody waited for it: ";
    lua_pushstring(L, introduction);
    lua_insert(L, -3);
    lua_pushliteral(L, "\n");
    lua_insert(L, -2);
    lua_concat(L, 4);
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    lg_handle *handle;
    struct words *words =
        lagoon__gc_new(s, s->types.bytes, sizeof *words + length + 1, &handle);
    if (words == NULL) {
        lagoon__raise_memory(L);
    }
    memcpy(words->text, text, length + 1);
    lagoon__gc_set(&core->words, words);
    struct hub *hub = core->hub;
    struct failure *failure = note(L, hub, words);
    lg_handle_free(handle);
    pthread_mutex_lock(&hub->lock);
    struct failure *gone = take_gone_locked(hub);
    failure->next = hub->failures;
    hub->failures = failure;
    hub->nfailures++;
    pthread_mutex_unlock(&hub->lock);
    free_all(hub, gone);
    if (lg_set_finalizer(s->rt, words, finalise, s->rt) != LG_OK) {
        lagoon__raise_memory(L);
    }
}

void lagoon__failed_take(struct task_core *core)
{
    struct words *words = core->words;
    if (words != NULL) {
        // relaxed: as in take()
        atomic_store_explicit(&words->is_told, true, memory_order_relaxed);
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
        struct words *words = lg_weak_get(failure->words);
        if (words != NULL && take(words) && nfailed++ < FAILED_TOLD_MAX) {
            lagoon__tell_failure(hub->rt, words->text);
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
