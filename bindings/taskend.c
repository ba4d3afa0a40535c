// SPDX-License-Identifier: MIT
//
// How a task ends: its results or its error, and why it was cancelled.
//
// The environment of a task's userdata is a table with its Lua values (enum
// task_key), made when there is one; a slot keeps the userdata alive while its goroutine lives.
#include <lauxlib.h>

#include "badend.h"
#include "fail.h"
#include "go.h"
#include "out.h"
#include "parcel.h"
#include "remote.h"
#include "report.h"
#include "scope.h"
#include "task.h"
#include "wait.h"

void lagoon__push_task_entry(lua_State *L, int index, int key)
{
    struct task *task = lua_touserdata(L, index);
    if (!task->has_env) {
        lua_pushnil(L);
        return;
    }
    lua_getfenv(L, index);
    lua_rawgeti(L, -1, key);
    lua_remove(L, -2);
}

// Pushes the environment of the task at an absolute index, making it. Raises.
static void push_env(lua_State *L, int index)
{
    struct task *task = lua_touserdata(L, index);
    if (task->has_env) {
        lua_getfenv(L, index);
        return;
    }
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, -1);
    lua_setfenv(L, index);
    task->has_env = true;
}

// Pops a value into the environment of the task at an absolute index. Raises.
void lagoon__task_set_entry(lua_State *L, int index, int key)
{
    push_env(L, index);
    lua_insert(L, -2);
    lua_rawseti(L, -2, key);
    lua_pop(L, 1);
}

// -- end --

struct ending {
    struct script_g *sg;
    lua_State *from;
};

// Stores the results that are all of `from`'s stack.
static int store_results(lua_State *L)
{
    struct ending *ending = lua_touserdata(L, 1);
    struct task *task = ending->sg->task;
    int n = lua_gettop(ending->from);
    lagoon__check_room(L, n + 4, "too many results");
    lagoon__push_kept(L, task->object.script, task->slot);
    push_env(L, lua_gettop(L));
    int env = lua_gettop(L);
    lua_xmove(ending->from, L, n);
    for (int i = n; i > 0; i--) {
        lua_rawseti(L, env, i);
    }
    task->nresults = n;
    return 0;
}

// Stores the error on top of `from`.
static int store_error(lua_State *L)
{
    struct ending *ending = lua_touserdata(L, 1);
    struct task *task = ending->sg->task;
    struct script *s = task->object.script;
    lagoon__push_kept(L, s, task->slot);
    int index = lua_gettop(L);
    lua_xmove(ending->from, L, 1);
    int error = lua_gettop(L);
    lua_pushvalue(L, error);
    lagoon__task_set_entry(L, index, TASK_ERROR);
    lagoon__push_task_entry(L, index, TASK_REASON);
    if ((task->is_cancelled && lua_rawequal(L, -1, error)) ||
        lagoon__scope_is_reason(L, ending->sg, error)) {
        task->state = TASK_CANCELLED;
    }
    if (task->is_async) {
        lagoon__badend_note(ending->sg, L, error, task->state == TASK_CANCELLED);
    }
    lagoon__push_new_trace(L, ending->sg, error);
    lagoon__task_set_entry(L, index, TASK_TRACE);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.failed);
    lua_pushvalue(L, index);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    return 0;
}

static int store_shortage(lua_State *L)
{
    struct ending *ending = lua_touserdata(L, 1);
    struct task *task = ending->sg->task;
    lagoon__push_kept(L, task->object.script, task->slot);
    lua_pushliteral(L, "not enough memory"); // LuaJIT keeps that one ready
    lagoon__task_set_entry(L, 2, TASK_ERROR);
    return 0;
}

// The goroutine has ended; nothing keeps the handle but who has it.
static void unbind(struct task *task, struct script_g *sg)
{
    struct script *s = sg->script;
    task->sg = NULL;
    sg->task = NULL;
    lagoon__unkeep(s->aux, s, task->slot);
}

void lagoon__task_end(struct script_g *sg, lua_State *from, int status)
{
    struct task *task = sg->task;
    struct script *s = sg->script;
    struct ending ending = {sg, from};
    if (task->is_remote) {
        lagoon__remote_end(sg, from, status);
        unbind(task, sg);
        return;
    }
    task->state = status ? TASK_FAILED : TASK_DONE;
    if (status && !task->is_async) {
        bool is_cancelled = lagoon__scope_is_reason(from, sg, -1);
        lagoon__badend_note(sg, from, -1, is_cancelled);
        if (!is_cancelled) {
            lagoon__report_unhandled(sg, from);
        }
        task->is_taken = true;
    }
    if (status || lua_gettop(from) > 0) {
        if (lua_cpcall(s->aux, status ? store_error : store_results, &ending) != 0) {
            task->state = TASK_FAILED;
            lua_settop(s->aux, 0);
            lagoon__collect_scarce(s);
            lua_cpcall(s->aux, store_shortage, &ending);
            lua_settop(s->aux, 0);
        }
    }
    if (lagoon__core_of(task) != NULL) {
        lagoon__remote_end(sg, from, status);
    }
    lg_waitgroup_add(&task->end, -1);
    unbind(task, sg);
}

// Its own reason, or that of its scope, becomes its error.
static int store_reason(lua_State *L)
{
    struct script_g *sg = lua_touserdata(L, 1);
    struct task *task = sg->task;
    lagoon__push_kept(L, sg->script, task->slot);
    if (task->is_cancelled) {
        lagoon__push_task_entry(L, 2, TASK_REASON);
    } else {
        lagoon__scope_push_reason(L, sg);
    }
    lagoon__task_set_entry(L, 2, TASK_ERROR);
    return 0;
}

// Ends without another step, as cancelled.
static void end_cancelled(struct script_g *sg)
{
    struct task *task = sg->task;
    struct script *s = sg->script;
    if (lua_cpcall(s->aux, store_reason, sg) != 0) {
        lua_settop(s->aux, 0);
    }
    task->state = TASK_CANCELLED;
    if (lagoon__core_of(task) != NULL) {
        lagoon__remote_end(sg, NULL, 0);
    }
    lg_waitgroup_add(&task->end, -1);
    unbind(task, sg);
}

bool lagoon__task_is_dropped(struct script_g *sg)
{
    if (!sg->task->is_cancelled && !lagoon__scope_is_cancelled(sg)) {
        sg->task->state = TASK_STARTED;
        return false;
    }
    if (sg->task->is_remote) {
        return false; // it takes what was sent, and is told then
    }
    end_cancelled(sg);
    return true;
}

// note_killed(sg): pushes why, which is noted as the reason of its task.
static int note_killed(lua_State *L)
{
    struct script_g *sg = lua_touserdata(L, 1);
    lagoon__scope_push_reason(L, sg);
    lagoon__note_reason(L, sg);
    return 1;
}

void lagoon__task_kill(struct script_g *sg)
{
    struct script *s = sg->script;
    if (!sg->task->is_remote) {
        end_cancelled(sg);
        return;
    }
    lua_State *from = lua_newthread(s->aux);
    lua_pushcfunction(from, note_killed);
    lua_pushlightuserdata(from, sg);
    lua_pcall(from, 1, 1, 0);
    lagoon__task_end(sg, from, LUA_ERRRUN);
    lua_settop(s->aux, 0);
}

// The one that another state gave; false: it gave none, or that was told.
static bool push_remote_reason(lua_State *L, struct script_g *sg)
{
    struct task_core *core = lagoon__core_of(sg->task);
    struct value reason;
    if (core == NULL || !lagoon__remote_take_reason(core, &reason)) {
        return false;
    }
    if (lagoon__value_is_sealed(reason)) {
        lagoon__out_seal(L, sg->script, reason);
        lua_pushinteger(L, WAIT_SEALED_CANCEL);
        lua_replace(L, -3);
        return true;
    }
    lua_pushinteger(L, WAIT_CANCEL);
    lagoon__value_unpack(L, 0, NULL, reason);
    return true;
}

// Whether it is Ctrl-C that goroutine 1 is told of.
static bool take_interruption(struct script_g *sg)
{
    // acquire: pairs with the release of who has cancelled it (ctrlc.c)
    return sg->is_main && atomic_exchange_explicit(&sg->script->is_interrupted, false,
                                                   memory_order_acquire);
}

static int push_reason(lua_State *L, struct script_g *sg)
{
    if (take_interruption(sg)) {
        sg->task->is_reason_due = false;
        lua_pushinteger(L, WAIT_CANCEL);
        lua_pushliteral(L, "interrupted");
        return 2;
    }
    if (sg->task != NULL && push_remote_reason(L, sg)) {
        return 2;
    }
    lua_pushinteger(L, WAIT_CANCEL);
    if (lagoon__scope_is_cancelled(sg) && !(sg->task && sg->task->is_reason_due)) {
        lagoon__scope_push_reason(L, sg);
        return 2;
    }
    if (sg->task == NULL) {
        lua_pushliteral(L, "cancelled");
        return 2;
    }
    sg->task->is_reason_due = false;
    lagoon__push_kept(L, sg->script, sg->task->slot);
    lagoon__push_task_entry(L, -1, TASK_REASON);
    lua_remove(L, -2);
    if (lua_isnil(L, -1)) { // it was the host that cancelled
        lua_pop(L, 1);
        lua_pushliteral(L, "cancelled");
    }
    return 2;
}

int lagoon__push_reason(lua_State *L, struct script_g *sg)
{
    int n = push_reason(L, sg);
    lagoon__scope_told(sg);
    return n;
}

void lagoon__note_reason(lua_State *L, struct script_g *sg)
{
    struct task *task = sg->task;
    if (task != NULL && lagoon__core_of(task) != NULL) {
        lagoon__push_kept(L, sg->script, task->slot);
        lua_pushvalue(L, -2);
        lagoon__task_set_entry(L, lua_gettop(L) - 1, TASK_REASON);
        lua_pop(L, 1);
        task->is_cancelled = true;
        lagoon__scope_told_remote(L, sg);
    }
}

// -- outcomes that come from elsewhere, or go there --

void lagoon__task_store_results(lua_State *L, int index, int n)
{
    struct task *task = lua_touserdata(L, index);
    if (n > 0) {
        push_env(L, index);
        lua_insert(L, -n - 1);
        int env = lua_gettop(L) - n;
        for (int i = n; i > 0; i--) {
            lua_rawseti(L, env, i);
        }
        lua_pop(L, 1);
    }
    task->nresults = n;
    task->state = TASK_DONE;
}

void lagoon__task_store_error(lua_State *L, int index, enum task_state state)
{
    struct task *task = lua_touserdata(L, index);
    int error = lua_gettop(L) - 1;
    if (!lua_isnil(L, error + 1)) {
        lagoon__remember_trace(L, task->object.script, error);
    }
    lagoon__task_set_entry(L, index, TASK_TRACE);
    lagoon__task_set_entry(L, index, TASK_ERROR);
    task->state = state;
}

void lagoon__task_publish(lua_State *L, int index, struct task_core *core)
{
    struct task *task = lua_touserdata(L, index);
    struct script *s = task->object.script;
    int first = lua_gettop(L) + 1;
    lagoon__check_room(L, task->nresults + 8, "too many results");
    if (task->state == TASK_DONE) {
        for (int i = 1; i <= task->nresults; i++) {
            lagoon__push_task_entry(L, index, i);
        }
        if (task->nresults > 0) {
            lagoon__encode_all(L, s, first, task->nresults, ROUTE_RESULTS,
                               &core->outcome);
        }
    } else {
        lagoon__push_task_entry(L, index, TASK_ERROR);
        lagoon__encode_all(L, s, first, 1, ROUTE_ERROR, &core->outcome);
        lagoon__push_task_entry(L, index, TASK_TRACE);
        lagoon__encode(L, s, -1, &core->trace);
    }
    lua_settop(L, first - 1);
}

int lagoon__push_outcome(lua_State *L, int index, struct task *task)
{
    task->is_taken = true;
    if (task->state != TASK_DONE) {
        lua_pushinteger(L, WAIT_RETHROW);
        lagoon__push_task_entry(L, index, TASK_ERROR);
        return 2;
    }
    if (!lua_checkstack(L, task->nresults + 2)) {
        return lagoon__finish_raise(L, "too many results");
    }
    lua_pushinteger(L, WAIT_OK);
    if (task->nresults > 0) {
        lua_getfenv(L, index);
        for (int i = 1; i <= task->nresults; i++) {
            lua_rawgeti(L, -1, i);
            lua_insert(L, -2);
        }
        lua_pop(L, 1);
    }
    return task->nresults + 1;
}
