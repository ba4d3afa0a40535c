// SPDX-License-Identifier: MIT
#include "remote.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "failed.h"
#include "go.h"
#include "hub.h"
#include "limit.h"
#include "out.h"
#include "parcel.h"
#include "report.h"
#include "state.h"
#include "wait.h"
#include "worker.h"

void lagoon__remote_set(struct value *slot, struct value value)
{
    slot->number = value.number;
    lagoon__gc_set(&slot->ptr, value.ptr);
}

// -- made --

int lagoon__task_type(lg_runtime *rt, lg_type **out)
{
    static const lg_field fields[] = {
        LG_FIELD(struct task_core, shared, LG_FIELD_REF),
        LG_FIELD(struct task_core, words, LG_FIELD_REF),
        {LG_FIELD_REF, offsetof(struct task_core, call.ptr), sizeof(void *), 1, "call"},
        {LG_FIELD_REF, offsetof(struct task_core, outcome.ptr), sizeof(void *), 1,
         "outcome"},
        {LG_FIELD_REF, offsetof(struct task_core, trace.ptr), sizeof(void *), 1, "trace"},
        {LG_FIELD_REF, offsetof(struct task_core, reason.ptr), sizeof(void *), 1,
         "reason"},
    };
    static const lg_type_info info = {"task", sizeof(struct task_core), fields,
                                      sizeof fields / sizeof fields[0]};
    return lg_type_register(rt, &info, out);
}

static bool is_jit_off(lua_State *L)
{
    int top = lua_gettop(L);
    bool is_off = false;
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_getfield(L, -1, "jit");
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "status");
        is_off = lua_pcall(L, 0, 1, 0) == 0 && !lua_toboolean(L, -1);
    }
    lua_settop(L, top);
    return is_off;
}

struct hub *lagoon__hub_of(lua_State *L, struct script *s)
{
    lg_runtime *rt = lagoon__rt(L, s);
    if (s->hub != NULL) {
        return s->hub;
    }
    lagoon__check_room(L, 4, "no room for tasks");
    bool is_off = is_jit_off(L);
    struct hub *hub = lagoon__hub_open(rt, s);
    if (hub == NULL) {
        lagoon__raise_memory(L);
    }
    hub->is_jit_off = is_off;
    // release: pairs with the acquire in dumpall.c:hub_from_outside()
    __atomic_store_n(&s->hub, hub, __ATOMIC_RELEASE);
    return hub;
}

struct task_core *lagoon__task_core_new(lua_State *L, struct script *s,
                                        struct shared *shared)
{
    struct hub *hub = lagoon__hub_of(L, s);
    lg_handle *handle;
    struct task_core *core = lagoon__gc_new(s, s->types.task, 1, &handle);
    if (core == NULL) {
        lagoon__raise_memory(L);
    }
    core->hub = hub;
    core->origin = s->worker;
    core->call = core->outcome = core->trace = lagoon__value_of_tag(VALUE_NIL);
    lagoon__gc_set(&core->shared, shared);
    lagoon__gc_set(&shared->data, core);
    lg_handle_free(handle);
    lg_waitgroup_add(&core->end, 1);
    return core;
}

// -- wait, cancel, outcome --

bool lagoon__remote_cancel(lua_State *L, struct task_core *core)
{
    struct script *s = lagoon__script(L);
    struct value *reason = lagoon__out_next(s);
    lagoon__encode(L, s, 2, reason);
    pthread_mutex_lock(&core->hub->lock);
    enum task_state state = lagoon__state_locked(core);
    bool is_first = state < TASK_DONE && !core->is_reason_due;
    lg_ref ref = core->ref;
    if (is_first) {
        lagoon__remote_set(&core->reason, *reason);
        core->is_cancelled = true;
        core->is_reason_due = true;
        if (state == TASK_NEW) {
            lagoon__remote_set(&core->outcome, *reason);
            lagoon__set_state_locked(core, TASK_CANCELLED);
        }
    }
    pthread_mutex_unlock(&core->hub->lock);
    lagoon__out_back(s, reason);
    if (is_first && state == TASK_NEW) {
        lagoon__recall(core->call); // nobody opens it
        lagoon__remote_set(&core->call, lagoon__value_of_tag(VALUE_NIL));
        lg_waitgroup_add(&core->end, -1); // `alive` goes when a P comes to the job
    } else if (is_first && ref.id != 0) {
        lg_cancel(ref);
    }
    return state < TASK_DONE;
}

int lagoon__remote_end_whole(lua_State *L)
{
    struct task *task = lua_touserdata(L, 1);
    struct task_core *core = lagoon__core_of(task);
    uint32_t ending = lua_toboolean(L, 3) ? ENDS_KILLED : ENDS_CANCELLED;
    if (core == NULL || lagoon__remote_state(core) >= TASK_DONE) {
        return 0;
    }
    // relaxed: the CAS tells
    uint32_t seen = atomic_load_explicit(&core->ending, memory_order_relaxed);
    // release: pairs with the acquire in lagoon__remote_ending()
    while (seen < ending && !atomic_compare_exchange_weak_explicit(
                                &core->ending, &seen, ending, memory_order_release,
                                memory_order_relaxed)) {
    }
    lagoon__remote_cancel(L, core);
    return 0;
}

void lagoon__remote_leave_clock(struct task_core *core)
{
    lg_clock *clock = core->clock;
    core->clock = NULL;
    lg_clock_release(clock);
}

static int finish_wait(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return lagoon__finish_plain(L, sg, rc);
    }
    lua_pushinteger(L, WAIT_OUTCOME);
    return 1;
}

int lagoon__remote_wait(lua_State *L, struct task_core *core, int64_t deadline_ns)
{
    struct script *s = lagoon__script(L);
    if (lagoon__remote_state(core) >= TASK_DONE) {
        lua_pushinteger(L, WAIT_OUTCOME);
        return 1;
    }
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    if (sg != &s->outside) {
        lg_wait_reason(core->is_blocking ? "blocking call" : "task wait");
        lagoon__parks_on(sg, PARKED_ON_SELF, deadline_ns);
    }
    int rc = lg_waitgroup_wait(&core->end, deadline_ns);
    return lagoon__settle(L, sg, rc, finish_wait);
}

void lagoon__remote_set_ended(struct task_core *core, enum task_state state)
{
    pthread_mutex_lock(&core->hub->lock);
    lagoon__set_state_locked(core, state);
    lg_handle *alive = core->alive;
    core->alive = NULL;
    pthread_mutex_unlock(&core->hub->lock);
    lg_waitgroup_add(&core->end, -1);
    if (core->limit != NULL) {
        lagoon__limit_ended(core->limit);
    }
    lg_handle_free(alive);
}

const char *lagoon__remote_status(struct task_core *core)
{
    static const char *const names[] = {[TASK_NEW] = "ready",
                                        [TASK_STARTED] = "ready",
                                        [TASK_DONE] = "done",
                                        [TASK_FAILED] = "failed",
                                        [TASK_CANCELLED] = "cancelled"};
    static const char *const alive[] = {[LG_RUNNABLE] = "ready",
                                        [LG_RUNNING] = "running",
                                        [LG_WAITING] = "waiting",
                                        [LG_DEAD] = "running"}; // about to end
    enum task_state state = lagoon__remote_state(core);
    if (state != TASK_STARTED) {
        return names[state];
    }
    pthread_mutex_lock(&core->hub->lock);
    lg_ref ref = core->ref;
    pthread_mutex_unlock(&core->hub->lock);
    if (ref.id == 0) {
        return names[TASK_STARTED];
    }
    lg_g_info info;
    return alive[lg_get_info(ref, &info) == LG_OK ? info.status : LG_DEAD];
}

const char *lagoon__task_name(const struct task *task, char copy[NAME_SIZE])
{
    struct task_core *core = lagoon__core_of(task);
    if (core == NULL) {
        return task->name;
    }
    pthread_mutex_lock(&core->hub->lock);
    memcpy(copy, core->name, NAME_SIZE);
    pthread_mutex_unlock(&core->hub->lock);
    return *copy ? copy : NULL;
}

void lagoon__remote_name(lua_State *L, struct task_core *core, const char *new_name)
{
    char name[NAME_SIZE];
    pthread_mutex_lock(&core->hub->lock);
    if (new_name != NULL) {
        snprintf(core->name, sizeof core->name, "%s", new_name);
    }
    memcpy(name, core->name, sizeof name);
    pthread_mutex_unlock(&core->hub->lock);
    if (*name) {
        lua_pushstring(L, name);
    } else {
        lua_pushnil(L);
    }
}

// -- outcome --

static void decode_results(lua_State *L, struct script *s, struct task_core *core)
{
    int n = 0;
    if (core->outcome.ptr != NULL) {
        n = lagoon__decode_all(L, s, core->outcome);
    }
    lagoon__task_store_results(L, 1, n);
}

// The error, and where it came from: traceback() finds that under the error.
static void decode_error(lua_State *L, struct script *s, struct task_core *core,
                         enum task_state state)
{
    if (core->why != NULL) {
        lua_pushstring(L, core->why);
    } else if (core->outcome.tag == VALUE_PARCEL && core->has_begun) {
        lua_settop(L, 1);
        lagoon__decode_all(L, s, core->outcome);
        lua_settop(L, 2);
    } else {
        lagoon__decode(L, s, core->outcome);
    }
    lagoon__decode(L, s, core->trace);
    lagoon__task_store_error(L, 1, state);
}

// task_outcome(task): of one that has ended elsewhere; a code, and its results or its
// error. What was decoded stays with the handle: the next wait gives the same.
static int outcome(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct task *task = lua_touserdata(L, 1);
    struct task_core *core = lagoon__core_of(task);
    lua_settop(L, 1);
    lagoon__check_room(L, 8, "no room for results");
    lagoon__failed_take(core);
    if (task->state < TASK_DONE) {
        enum task_state state = lagoon__remote_state(core);
        if (state == TASK_DONE) {
            decode_results(L, s, core);
        } else {
            decode_error(L, s, core, state);
        }
        lua_settop(L, 1);
    }
    return lagoon__push_outcome(L, 1, task);
}

// -- from one state to several --

// A task of async(): it runs where it is, or has ended.
static void share(lua_State *L, struct script *s, int index, struct shared *shared)
{
    struct task *task = lua_touserdata(L, index);
    struct task_core *core = lagoon__task_core_new(L, s, shared);
    core->has_begun = true;
    core->ref = task->ref;
    // relaxed: nobody else knows it yet
    atomic_store_explicit(&core->id, task->ref.id, memory_order_relaxed);
    if (task->name != NULL) {
        snprintf(core->name, sizeof core->name, "%s", task->name);
    }
    if (task->state < TASK_DONE) {
        lagoon__set_state_locked(core, TASK_STARTED);
        return;
    }
    lagoon__task_publish(L, index, core);
    lagoon__set_state_locked(core, task->state);
    lg_waitgroup_add(&core->end, -1);
}

static void adopt(lua_State *L, void *userdata, struct shared *shared)
{
    (void)L;
    (void)shared;
    ((struct task *)userdata)->is_remote = true;
}

const struct share_ops lagoon__task_ops = {
    .size_bytes = sizeof(struct task), .share = share, .adopt = adopt};

void lagoon__open_remote(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"task_outcome", outcome}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
