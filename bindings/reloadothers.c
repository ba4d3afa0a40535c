// SPDX-License-Identifier: MIT
//
// Modules that the first state has loaded anew, for the worker states: a list in the hub, in
// which each name stands once, with the count of reloads at its last.
#include <lauxlib.h>
#include <stdatomic.h>
#include <string.h>

#include "fail.h"
#include "hub.h"
#include "reload.h"
#include "state.h"
#include "worker.h"

// A module that was loaded anew, in the hub's list.
struct reloaded {
    struct reloaded *next;
    uint32_t when; // the count of reloads with it
    char name[];
};

void lagoon__reload_begin(struct worker *worker)
{
    // relaxed: what was loaded before that is not in the new state
    worker->nreloads = atomic_load_explicit(&worker->hub->nreloads, memory_order_relaxed);
}

bool lagoon__reload_is_due(const struct worker *worker)
{
    // relaxed: the names are read under the lock, and a task that was started behind a
    // reload has come here through others
    return worker->nreloads !=
           atomic_load_explicit(&worker->hub->nreloads, memory_order_relaxed);
}

static void note_locked(struct hub *hub, struct reloaded *fresh)
{
    struct reloaded **at = &hub->reloads;
    while (*at != NULL && strcmp((*at)->name, fresh->name) != 0) {
        at = &(*at)->next;
    }
    struct reloaded *old = *at;
    // relaxed: written under the lock only
    fresh->when = atomic_load_explicit(&hub->nreloads, memory_order_relaxed) + 1;
    fresh->next = old ? old->next : NULL;
    *at = fresh;
    atomic_store_explicit(&hub->nreloads, fresh->when, memory_order_relaxed);
    lg_free(hub->rt, old);
}

int lagoon__reload_publish(lua_State *L)
{
    struct script *s = lagoon__script(L);
    size_t length;
    const char *name = luaL_checklstring(L, 1, &length);
    if (s->hub == NULL || s->worker != NULL) {
        return 0;
    }
    struct reloaded *fresh = lg_calloc(s->hub->rt, 1, sizeof *fresh + length + 1);
    if (fresh == NULL) {
        lagoon__raise_memory(L);
    }
    memcpy(fresh->name, name, length);
    pthread_mutex_lock(&s->hub->lock);
    note_locked(s->hub, fresh);
    pthread_mutex_unlock(&s->hub->lock);
    return 0;
}

// The names may be freed as soon as the lock is open, and pushing one may raise.
static char *copy_next(struct worker *worker, uint32_t *when)
{
    struct hub *hub = worker->hub;
    struct reloaded *next = NULL;
    char *copy = NULL;
    pthread_mutex_lock(&hub->lock);
    for (struct reloaded *it = hub->reloads; it; it = it->next) {
        if (it->when > worker->nreloads && (next == NULL || it->when < next->when)) {
            next = it;
        }
    }
    if (next != NULL) {
        *when = next->when;
        size_t size = strlen(next->name) + 1;
        copy = lg_malloc(hub->rt, size);
        if (copy != NULL) {
            memcpy(copy, next->name, size);
        }
    }
    pthread_mutex_unlock(&hub->lock);
    return copy;
}

static int push_text(lua_State *L)
{
    lua_pushstring(L, lua_touserdata(L, 1));
    return 1;
}

void lagoon__reload_catch_up(lua_State *L, struct worker *worker)
{
    lagoon__check_room(L, 8, "no room to load a module");
    uint32_t when;
    for (char *name; (name = copy_next(worker, &when)) != NULL;) {
        worker->nreloads = when;
        lua_pushcfunction(L, push_text);
        lua_pushlightuserdata(L, name);
        int status = lua_pcall(L, 1, 1, 0);
        lg_free(worker->hub->rt, name);
        if (status != 0) {
            lua_error(L);
        }
        lua_getglobal(L, "require");
        lua_pushliteral(L, "lagoon.reload");
        lua_call(L, 1, 1);
        lua_getfield(L, -1, "catch_up");
        lua_pushvalue(L, -3);
        lua_call(L, 1, 0);
        lua_pop(L, 2);
    }
}

void lagoon__reload_fini(struct hub *hub)
{
    while (hub->reloads != NULL) {
        struct reloaded *reloaded = hub->reloads;
        hub->reloads = reloaded->next;
        lg_free(hub->rt, reloaded);
    }
}
