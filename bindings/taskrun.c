// SPDX-License-Identifier: MIT
//
// A task in the state where it runs: begun, opened, ended. Where its state changes, the
// hub's lock is held; the values that go with that are written before, by the one who
// changes it.
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "badend.h"
#include "collect.h"
#include "fail.h"
#include "failed.h"
#include "go.h"
#include "hub.h"
#include "parcel.h"
#include "reload.h"
#include "remote.h"
#include "report.h"
#include "scope.h"
#include "state.h"
#include "worker.h"

struct beginning {
    struct worker *worker;
    struct task_core *core;
    lg_ref ref;
    int slot;      // keeps the handle; 0: not yet
    bool is_setup; // as the hub's is now
};

static void apply_setup(lua_State *L, struct worker *worker)
{
    struct hub *hub = worker->hub;
    lua_getfield(L, LUA_GLOBALSINDEX, "package");
    pthread_mutex_lock(&hub->lock);
    worker->setup = hub->setup;
    // Pushing them may raise for want of memory: it is copied first.
    char *path = hub->path ? strdup(hub->path) : NULL;
    char *cpath = hub->cpath ? strdup(hub->cpath) : NULL;
    pthread_mutex_unlock(&hub->lock);
    lua_pushstring(L, path ? path : "");
    lua_setfield(L, -2, "path");
    lua_pushstring(L, cpath ? cpath : "");
    lua_setfield(L, -2, "cpath");
    free(path);
    free(cpath);
    lua_pop(L, 1);
}

void lagoon__worker_push_env(lua_State *L, struct script *s)
{
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "_G");
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.env_meta);
    lua_setmetatable(L, -2);
}

static int begin(lua_State *L)
{
    struct beginning *beginning = lua_touserdata(L, 1);
    struct worker *worker = beginning->worker;
    struct task_core *core = beginning->core;
    struct script *s = worker->script;
    if (!beginning->is_setup) {
        apply_setup(L, worker);
    }
    lagoon__collect_follow(L, s);
    lagoon__push_bare(L, s, core->shared);
    struct task *task = lua_touserdata(L, -1);
    task->slot = beginning->slot = lagoon__keep(L, s);
    struct birthplace birth = lagoon__keep_birth(L, s, core->birth, core->line);
    struct scope *scope =
        lagoon__scope_of_task(L, s, core); // on the stack until it is joined
    lagoon__worker_push_env(L, s);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.body);
    // Once it is started nothing may fail.
    struct script_g *sg = lagoon__go_in(L, s, scope, 0, &beginning->ref);
    lua_xmove(L, sg->co, 1);
    lua_replace(sg->co, LUA_GLOBALSINDEX);
    sg->parent = core->parent;
    sg->birth = birth;
    sg->is_aside = core->is_blocking;
    lagoon__task_bind(task, sg, beginning->ref);
    return 0;
}

static bool try_begin(struct beginning *beginning)
{
    struct script *s = beginning->worker->script;
    if (lua_cpcall(s->aux, begin, beginning) == 0) {
        return true;
    }
    lua_settop(s->aux, 0);
    if (beginning->slot != 0) {
        lagoon__unkeep(s->aux, s, beginning->slot);
        beginning->slot = 0;
    }
    return false;
}

bool lagoon__remote_begin(struct worker *worker, struct task_core *core)
{
    struct hub *hub = core->hub;
    pthread_mutex_lock(&hub->lock);
    bool is_new = lagoon__state_locked(core) == TASK_NEW && !hub->is_closed;
    bool is_setup = worker->setup == hub->setup;
    if (is_new) {
        lagoon__set_state_locked(core, TASK_STARTED);
        hub->ntasks++;
    }
    pthread_mutex_unlock(&hub->lock);
    if (!is_new) {
        lagoon__remote_leave_clock(core);
        lg_handle_free(core->alive);
        return false;
    }
    struct beginning beginning = {.worker = worker, .core = core, .is_setup = is_setup};
    if (!try_begin(&beginning)) {
        lagoon__collect_look(worker->script); // what earlier tasks have left
        if (!try_begin(&beginning)) {
            lagoon__remote_drop(core, "cannot start a task: not enough memory");
            return false;
        }
    }
    lagoon__remote_leave_clock(core); // its scope has it
    // relaxed: a figure
    atomic_store_explicit(&core->id, beginning.ref.id, memory_order_relaxed);
    pthread_mutex_lock(&hub->lock);
    core->ref = beginning.ref;
    core->has_begun = true;
    bool is_cancelled = core->is_reason_due;
    pthread_mutex_unlock(&hub->lock);
    if (is_cancelled) {
        lg_cancel(beginning.ref); // who did that did not know it yet
    }
    return true;
}

// take(): the function and its arguments, for the goroutine that runs it.
static int take(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct script_g *sg = lg_extra_self();
    struct task_core *core = lagoon__core_of(sg->task);
    char copy[NAME_SIZE];
    const char *name = lagoon__task_name(sg->task, copy);
    if (name != NULL) {
        lg_set_name(name);
    }
    if (lagoon__reload_is_due(s->worker)) {
        lagoon__reload_catch_up(L, s->worker);
    }
    int n = lagoon__decode_all(L, s, core->call);
    lagoon__remote_set(&core->call, lagoon__value_of_tag(VALUE_NIL));
    return n;
}

// keep(...): the results.
static int keep(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct script_g *sg = lg_extra_self();
    int n = lua_gettop(L);
    if (n > 0) {
        lagoon__check_room(L, 8, "too many results");
        struct task_core *core = lagoon__core_of(sg->task);
        lagoon__encode_all(L, s, 1, n, ROUTE_RESULTS, &core->outcome);
    }
    return 0;
}

// -- the end --

struct ending {
    struct script_g *sg;
    struct task_core *core;
    lua_State *from;
    const char *why; // the error cannot be sent; on the stack of aux
    bool is_cancelled;
};

// Encodes the error on top of `from`, or words for it.
static int encode_error(lua_State *L)
{
    struct ending *ending = lua_touserdata(L, 1);
    lua_pushvalue(ending->from, -1);
    lua_xmove(ending->from, L, 1);
    lagoon__encode_all(L, ending->sg->script, 2, 1, ROUTE_ERROR, &ending->core->outcome);
    return 0;
}

static int encode_words(lua_State *L)
{
    struct ending *ending = lua_touserdata(L, 1);
    lua_pushvalue(ending->from, -1);
    lua_xmove(ending->from, L, 1);
    bool has_own_words = luaL_getmetafield(L, 2, "__tostring") != 0;
    lua_settop(L, 2);
    lagoon__error_text(L);
    if (ending->why != NULL && !has_own_words) {
        lua_pushfstring(L, ": %s", ending->why);
        lua_concat(L, 2);
    }
    lagoon__encode_all(L, ending->sg->script, 2, 1, ROUTE_ERROR, &ending->core->outcome);
    return 0;
}

static int encode_trace(lua_State *L)
{
    struct ending *ending = lua_touserdata(L, 1);
    struct script *s = ending->sg->script;
    lua_pushvalue(ending->from, -1);
    lua_xmove(ending->from, L, 1);
    lagoon__push_kept(L, s, ending->sg->task->slot);
    lagoon__push_task_entry(L, 3, TASK_REASON);
    pthread_mutex_lock(&ending->core->hub->lock);
    bool is_cancelled = ending->core->is_cancelled;
    pthread_mutex_unlock(&ending->core->hub->lock);
    ending->is_cancelled = is_cancelled && lua_rawequal(L, 2, -1);
    lagoon__push_new_trace(L, ending->sg, 2);
    lagoon__encode(L, s, -1, &ending->core->trace);
    // What becomes of a limited one, who called it is told in any case.
    if (!ending->is_cancelled && ending->core->limit == NULL) {
        lua_pushvalue(L, 2);
        lua_insert(L, -2);
        lagoon__failed_keep(L, s, ending->core);
    }
    return 0;
}

static bool call(struct ending *ending, lua_CFunction function)
{
    lua_State *aux = ending->sg->script->aux;
    bool is_done = lua_cpcall(aux, function, ending) == 0;
    lua_settop(aux, 0);
    return is_done;
}

// The error, or else words for it: its own, or why it cannot be sent.
static void encode_any(struct ending *ending)
{
    lua_State *aux = ending->sg->script->aux;
    if (lua_cpcall(aux, encode_error, ending) != 0) {
        ending->why = lua_tostring(aux, -1);
        if (lua_cpcall(aux, encode_words, ending) != 0) {
            ending->core->why = "not enough memory";
        }
    }
    lua_settop(aux, 0);
}

static int publish(lua_State *L)
{
    struct ending *ending = lua_touserdata(L, 1);
    struct task *task = ending->sg->task;
    lagoon__push_kept(L, task->object.script, task->slot);
    lagoon__task_publish(L, 2, ending->core);
    return 0;
}

// A task of async(): its handle has all.
static enum task_state publish_own(struct ending *ending, enum task_state state)
{
    if (call(ending, publish)) {
        return state;
    }
    // What cannot be sent: others are told so.
    ending->core->why = "the outcome of the task cannot be sent to another Lua state";
    return TASK_FAILED;
}

void lagoon__remote_end(struct script_g *sg, lua_State *from, int status)
{
    struct task *task = sg->task;
    struct task_core *core = lagoon__core_of(task);
    struct ending ending = {.sg = sg, .core = core, .from = from};
    enum task_state state = TASK_DONE;
    sg->script->is_ending = true; // nothing may wait here
    if (core->alive == NULL) {
        state = publish_own(&ending, task->state);
    } else if (status != 0) {
        lagoon__remote_set(&core->outcome, lagoon__value_of_tag(VALUE_NIL));
        encode_any(&ending);
        call(&ending, encode_trace);
        state = ending.is_cancelled ? TASK_CANCELLED : TASK_FAILED;
        lagoon__badend_note(sg, from, -1, ending.is_cancelled);
    }
    sg->script->is_ending = false;
    if (core->is_blocking || core->is_alone) {
        struct worker *worker = sg->script->worker;
        lg_strand_post(worker->strand, &worker->look);
    }
    lagoon__remote_set_ended(core, state);
}

void lagoon__remote_drop(struct task_core *core, const char *why)
{
    lagoon__remote_leave_clock(core);
    pthread_mutex_lock(&core->hub->lock);
    bool is_over = lagoon__state_locked(core) >= TASK_DONE; // cancelled before
    if (!is_over) {
        lagoon__set_state_locked(core, TASK_STARTED); // who cancels it ends nothing
    }
    pthread_mutex_unlock(&core->hub->lock);
    if (is_over) {
        lg_handle_free(core->alive);
        return;
    }
    core->why = why;
    lagoon__recall(core->call);
    lagoon__remote_set_ended(core, TASK_FAILED);
}

bool lagoon__remote_take_reason(struct task_core *core, struct value *out)
{
    pthread_mutex_lock(&core->hub->lock);
    bool is_due = core->is_reason_due;
    core->is_reason_due = false;
    *out = core->reason;
    pthread_mutex_unlock(&core->hub->lock);
    return is_due;
}

void lagoon__push_take(lua_State *L, struct script *s)
{
    lua_pushlightuserdata(L, s);
    lua_pushcclosure(L, take, 1);
}

void lagoon__push_keep(lua_State *L, struct script *s)
{
    lua_pushlightuserdata(L, s);
    lua_pushcclosure(L, keep, 1);
}
