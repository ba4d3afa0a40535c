// SPDX-License-Identifier: MIT
//
// The handle of a goroutine: made, and its methods.
#include "task.h"

#include <lauxlib.h>

#include "fail.h"
#include "failed.h"
#include "go.h"
#include "out.h"
#include "parcel.h"
#include "remote.h"
#include "report.h"
#include "scope.h"
#include "wait.h"

// -- start --

// Pushes the handle of a goroutine. Its slot is still to be filled.
static struct task *new_task(lua_State *L, struct script *s)
{
    struct task *task = lagoon__object_new(L, s, KIND_TASK, sizeof *task);
    lua_pushvalue(L, -1);
    task->slot = lagoon__keep(L, s);
    lg_waitgroup_add(&task->end, 1);
    return task;
}

void lagoon__task_bind(struct task *task, struct script_g *sg, lg_ref ref)
{
    task->sg = sg;
    task->ref = ref;
    task->birth = sg->birth;
    sg->task = task;
}

struct task *lagoon__async(lua_State *L, struct script *s, int nargs)
{
    return lagoon__async_in(L, s, lagoon__scope_self(s), nargs);
}

struct task *lagoon__async_in(lua_State *L, struct script *s, struct scope *scope,
                              int nargs)
{
    struct task *task = new_task(L, s);
    task->is_async = true;
    lua_insert(L, -nargs - 2);
    lg_ref ref;
    struct script_g *sg = lagoon__go_in(L, s, scope, nargs, &ref);
    lagoon__task_bind(task, sg, ref);
    return task;
}

static int async(lua_State *L)
{
    lagoon__check_callable(L, 1, "async");
    lagoon__check_room(L, 4, "too many arguments");
    lagoon__async(L, lagoon__script(L), lua_gettop(L) - 1);
    return 1;
}

static int self(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct script_g *sg = lg_extra_self();
    if (sg == NULL || sg->script != s) {
        lua_pushnil(L);
        return 1;
    }
    if (sg->task == NULL) {
        struct task *task = new_task(L, s);
        task->state = TASK_STARTED;
        lagoon__task_bind(task, sg, lg_self());
    }
    lagoon__push_kept(L, s, sg->task->slot);
    return 1;
}

// -- methods --

static int finish_wait(lua_State *L, struct script_g *sg, int rc)
{
    if (rc == LG_OK) {
        return lagoon__push_outcome(L, 1, lua_touserdata(L, 1));
    }
    return lagoon__finish_plain(L, sg, rc);
}

static int wait(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct task *task = lagoon__self(L, KIND_TASK, "wait");
    int64_t deadline_ns = lagoon__deadline(L, 2, 1, "wait");
    if (task->state >= TASK_DONE) {
        return lagoon__push_outcome(L, 1, task);
    }
    if (task->sg != NULL && task->sg == lg_extra_self()) {
        lagoon__raise(L, "a task cannot wait for itself");
    }
    if (task->is_remote) {
        return lagoon__remote_wait(L, lagoon__core_of(task), deadline_ns);
    }
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    if (sg != &s->outside) {
        lg_wait_reason("task wait");
        lagoon__parks_on(sg, PARKED_ON_SELF, deadline_ns);
    }
    int rc = lg_waitgroup_wait(&task->end, deadline_ns);
    return lagoon__settle(L, sg, rc, finish_wait);
}

static int cancel(lua_State *L)
{
    struct task *task = lagoon__self(L, KIND_TASK, "cancel");
    lua_settop(L, 2);
    bool is_alive = task->state < TASK_DONE;
    if (is_alive) {
        if (lua_isnil(L, 2)) {
            lua_pushliteral(L, "cancelled");
            lua_replace(L, 2);
        }
        if (task->is_remote) {
            lua_pushboolean(L, lagoon__remote_cancel(L, lagoon__core_of(task)));
            return 1;
        }
        if (!task->is_reason_due) { // else the first one counts
            lagoon__task_set_entry(L, 1, TASK_REASON);
            task->is_cancelled = true;
            task->is_reason_due = true;
            lg_cancel(task->ref);
        }
    }
    lua_pushboolean(L, is_alive);
    return 1;
}

static const char *status_of(struct task *task)
{
    static const char *const ended[] = {
        [TASK_DONE] = "done", [TASK_FAILED] = "failed", [TASK_CANCELLED] = "cancelled"};
    static const char *const alive[] = {[LG_RUNNABLE] = "ready",
                                        [LG_RUNNING] = "running",
                                        [LG_WAITING] = "waiting",
                                        [LG_DEAD] = "done"};
    if (task->state >= TASK_DONE) {
        return ended[task->state];
    }
    if (task->sg != NULL && task->sg == lg_extra_self()) {
        return "running";
    }
    if (task->is_remote) {
        return lagoon__remote_status(lagoon__core_of(task));
    }
    if (task->state == TASK_NEW) {
        return task->is_cancelled ? "cancelled" : "ready";
    }
    lg_g_info info;
    return alive[lg_get_info(task->ref, &info) == LG_OK ? info.status : LG_DEAD];
}

static int status(lua_State *L)
{
    lua_pushstring(L, status_of(lagoon__self(L, KIND_TASK, "status")));
    return 1;
}

// One that has not begun in any state has no number yet.
static void push_id(lua_State *L, const struct task *task)
{
    uint64_t number = task->ref.id;
    if (task->is_remote) {
        // relaxed: it is set once
        number = atomic_load_explicit(&lagoon__core_of(task)->id, memory_order_relaxed);
    }
    if (number != 0) {
        lua_pushnumber(L, (double)number);
    } else {
        lua_pushnil(L);
    }
}

static int id(lua_State *L)
{
    struct task *task = lagoon__self(L, KIND_TASK, "id");
    push_id(L, task);
    return 1;
}

// The new one, if there is one at 2, is the argument of name().
static void push_name(lua_State *L, const struct task *task)
{
    struct task_core *core = lagoon__core_of(task);
    if (core != NULL) {
        lagoon__remote_name(L, core,
                            lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL);
    } else {
        lua_pushstring(L, task->name);
    }
}

static int name(lua_State *L)
{
    struct task *task = lagoon__self(L, KIND_TASK, "name");
    if (!lua_isnoneornil(L, 2)) {
        if (lua_type(L, 2) != LUA_TSTRING) {
            lagoon__raise_argument(L, 1, "name", "string expected, got %s",
                                   lagoon__type_name(L, 2));
        }
        lua_pushvalue(L, 2);
        lagoon__task_set_entry(L, 1, TASK_NAME);
        task->name = lua_tostring(L, 2);
        if (task->sg && task->sg == lg_extra_self()) {
            lg_set_name(task->name);
        }
    }
    push_name(L, task);
    return 1;
}

static int tostring(lua_State *L)
{
    struct task *task = lagoon__self(L, KIND_TASK, "tostring");
    lua_settop(L, 1);
    push_name(L, task);
    const char *name = lua_tostring(L, 2);
    push_id(L, task);
    lua_pushfstring(L, "task: %s%s%s%s (%s)", lua_isnil(L, 3) ? "-" : lua_tostring(L, 3),
                    name ? " \"" : "", name ? name : "", name ? "\"" : "",
                    status_of(task));
    return 1;
}

// Says on stderr that the task at an absolute index has failed, if nobody has
// asked and it has not been said; and if few enough have been said.
// *nfailed counts them.
static void report_failed(lua_State *L, int index, size_t *nfailed)
{
    struct task *task = lua_touserdata(L, index);
    if (task->state != TASK_FAILED || task->is_taken) {
        return;
    }
    task->is_taken = true;
    if ((*nfailed)++ < FAILED_TOLD_MAX) {
        lagoon__push_task_entry(L, index, TASK_ERROR);
        lagoon__push_task_entry(L, index, TASK_TRACE);
        lagoon__report(L, task->object.script->rt,
                       "a task failed, and nobody waited for it: ");
    }
}

static int finalise(lua_State *L)
{
    struct task *task = lagoon__object_at(L, 1, KIND_TASK);
    if (task == NULL) {
        return 0;
    }
    size_t nfailed = 0;
    report_failed(L, 1, &nfailed);
    // One that was its state's own has all that it needs.
    return task->object.handle ? lagoon__shared_finalise(L) : 0;
}

void lagoon__report_failed_tasks(lua_State *L, struct script *s)
{
    lagoon__failed_report(s->hub);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.failed);
    int tasks = lua_gettop(L);
    size_t nfailed = 0;
    for (lua_pushnil(L); lua_next(L, tasks) != 0; lua_pop(L, 1)) {
        report_failed(L, tasks + 1, &nfailed);
    }
    lua_pop(L, 1);
    lagoon__failed_rest(nfailed);
}

void lagoon__open_task(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"async", async},        {"self", self},
                                         {"task_wait", wait},     {"task_cancel", cancel},
                                         {"task_status", status}, {"task_id", id},
                                         {"task_name", name},     {NULL, NULL}};
    lagoon__register(L, s, functions);
}

void lagoon__task_init(lua_State *L, struct script *s)
{
    static const luaL_Reg meta[] = {
        {"__gc", finalise}, {"__tostring", tostring}, {NULL, NULL}};
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.classes[KIND_TASK]);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
