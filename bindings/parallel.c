// SPDX-License-Identifier: MIT
//
// parallel(f, ...): f and its arguments are encoded, and a task is queued.
#include "parallel.h"

#include <lauxlib.h>
#include <string.h>

#include "fail.h"
#include "go.h"
#include "hub.h"
#include "limit.h"
#include "out.h"
#include "parcel.h"
#include "remote.h"
#include "scope.h"
#include "state.h"
#include "worker.h"

// The root's `arg`, on top, for workers to come. One that cannot be sent is left out.
static int encode_arg(lua_State *L)
{
    struct hub *hub = lua_touserdata(L, 1);
    struct script *s = hub->root;
    struct value *slot = lagoon__out_next(s);
    lagoon__encode(L, s, 2, slot);
    if (slot->tag == VALUE_PARCEL &&
        lg_handle_new(hub->rt, slot->ptr, &hub->arg) == LG_OK) {
        hub->arg_ref = slot->ref;
    }
    lagoon__out_back(s, slot);
    return 0;
}

static void note_arg(lua_State *L, struct hub *hub)
{
    hub->has_arg = true;
    lua_pushcfunction(L, encode_arg);
    lua_pushlightuserdata(L, hub);
    lua_pushvalue(L, -3);
    if (lua_pcall(L, 2, 0, 0) != 0) {
        lua_pop(L, 1);
    }
}

// Where the root looks for modules, and its `arg`, as they are when the first worker
// may need them, and whenever the paths have changed.
static void note_setup(lua_State *L, struct script *s, struct hub *hub)
{
    if (hub->root != s) {
        return;
    }
    lua_getfield(L, LUA_GLOBALSINDEX, "package");
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "path");
        lua_getfield(L, -2, "cpath");
        const char *path = lua_tostring(L, -2);
        const char *cpath = lua_tostring(L, -1);
        if (!lagoon__hub_set_paths(hub, path ? path : "", cpath ? cpath : "")) {
            lagoon__raise_memory(L);
        }
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    if (!hub->has_arg) {
        lua_getglobal(L, "arg");
        if (lua_istable(L, -1)) {
            note_arg(L, hub);
        }
        lua_pop(L, 1);
    }
}

static void note_birth(lua_State *L, struct script *s, struct task_core *core)
{
    struct birthplace birth = lagoon__birthplace(L, s);
    core->parent = lg_self().id;
    core->line = birth.line;
    if (birth.source != NULL) {
        size_t length = strnlen(birth.source, sizeof core->birth - 1);
        memcpy(core->birth, birth.source, length); // zeroed
    }
}

struct task_core *lagoon__parallel_new(lua_State *L, struct script *s, const char *name)
{
    int n = lua_gettop(L);
    lagoon__check_callable(L, 1, name);
    lagoon__check_room(L, 16, "too many arguments");
    if (s->worker != NULL && s->worker->limit != NULL) {
        lagoon__raise(L, "cannot start a task from inside runtime.limit");
    }
    struct hub *hub = lagoon__hub_of(L, s);
    note_setup(L, s, hub);
    struct shared *shared;
    struct task *task = lagoon__shared_new(L, s, KIND_TASK, &shared);
    task->is_remote = true;
    struct task_core *core = lagoon__task_core_new(L, s, shared);
    lagoon__encode_all(L, s, 1, n, ROUTE_CALL, &core->call);
    note_birth(L, s, core);
    return core;
}

void lagoon__parallel_start(lua_State *L, struct scope *scope, struct task_core *core)
{
    struct hub *hub = core->hub;
    lagoon__scope_send(scope, core);
    int err = lg_handle_new(hub->rt, core->shared, &core->alive);
    if (err == LG_OK) {
        err = lagoon__hub_start(hub, core);
    }
    if (err != LG_OK) {
        if (core->limit != NULL) {
            lagoon__limit_free(core->limit);
        }
        lagoon__recall(core->call);
        lagoon__remote_leave_clock(core);
        lg_handle_free(core->alive);
        lagoon__raise(L, "cannot start a task: %s", lg_strerror(err));
    }
}

// parallel(f, ...): a task.
static int parallel(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct task_core *core = lagoon__parallel_new(L, s, "parallel");
    lagoon__parallel_start(L, lagoon__scope_self(s), core);
    lagoon__scope_note(L, s);
    return 1;
}

// parallel_alone(f, ...): the same, in a state that no other task gets until it has ended.
static int parallel_alone(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct task_core *core = lagoon__parallel_new(L, s, "parallel_alone");
    core->is_alone = true;
    lagoon__parallel_start(L, lagoon__scope_self(s), core);
    lagoon__scope_note(L, s);
    return 1;
}

void lagoon__open_parallel(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"parallel", parallel}, {"parallel_alone", parallel_alone}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
