// SPDX-License-Identifier: MIT
#include "scope.h"

#include <lauxlib.h>

#include "clock.h"
#include "fail.h"
#include "go.h"
#include "parallel.h"
#include "remote.h"
#include "state.h"
#include "task.h"
#include "timers.h"
#include "wait.h"

enum { REMOTES_MIN = 16 };

// ---------------------------------------------------------------------------
// Who lives in it
// ---------------------------------------------------------------------------

struct scope *lagoon__scope_new(lua_State *L, struct script *s, lg_clock *clock)
{
    struct scope *scope = lagoon__object_new(L, s, KIND_SCOPE, sizeof *scope);
    lua_createtable(L, 3, 0);
    lua_setfenv(L, -2);
    if (clock != NULL) {
        lg_clock_retain(clock);
        scope->clock = clock;
    }
    return scope;
}

struct scope *lagoon__scope_self(struct script *s)
{
    struct script_g *sg = lg_extra_self();
    return sg != NULL && sg->script == s ? sg->scope : NULL;
}

void lagoon__scope_hold(lua_State *L, struct script *s, int index)
{
    struct scope *scope = lua_touserdata(L, index);
    if (scope->slot != 0) {
        return;
    }
    lua_pushvalue(L, index);
    scope->slot = lagoon__keep(L, s);
    scope->next = s->scopes;
    scope->link = &s->scopes;
    if (scope->next != NULL) {
        scope->next->link = &scope->next;
    }
    s->scopes = scope;
}

void lagoon__scope_add(struct scope *scope)
{
    scope->nlive++;
}

void lagoon__scope_drop(struct scope *scope)
{
    struct script *s = scope->object.script;
    scope->nlive--;
    if (scope->nlive > 0) {
        return;
    }
    *scope->link = scope->next;
    if (scope->next != NULL) {
        scope->next->link = scope->link;
    }
    int slot = scope->slot;
    scope->slot = 0;
    lagoon__unkeep(s->aux, s, slot);
}

void lagoon__scope_join(struct scope *scope, struct script_g *sg)
{
    if (scope == NULL) {
        return;
    }
    sg->scope = scope;
    sg->next_in_scope = scope->gs;
    sg->link_in_scope = &scope->gs;
    if (scope->gs != NULL) {
        scope->gs->link_in_scope = &sg->next_in_scope;
    }
    scope->gs = sg;
    lagoon__scope_add(scope);
}

void lagoon__scope_leave(struct script_g *sg)
{
    struct scope *scope = sg->scope;
    if (scope == NULL) {
        return;
    }
    *sg->link_in_scope = sg->next_in_scope;
    if (sg->next_in_scope != NULL) {
        sg->next_in_scope->link_in_scope = sg->link_in_scope;
    }
    sg->scope = NULL;
    lagoon__scope_drop(scope);
}

void lagoon__scope_begin(struct script_g *sg)
{
    if (sg->scope != NULL && sg->scope->clock != NULL) {
        lg_clock_use(sg->scope->clock);
    }
}

// ---------------------------------------------------------------------------
// Cancelled
// ---------------------------------------------------------------------------

bool lagoon__scope_is_cancelled(const struct script_g *sg)
{
    return sg->scope != NULL && sg->scope->is_cancelled;
}

void lagoon__scope_push_reason(lua_State *L, struct script_g *sg)
{
    lagoon__push_kept(L, sg->script, sg->scope->slot);
    lua_getfenv(L, -1);
    lua_rawgeti(L, -1, SCOPE_REASON);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

bool lagoon__scope_is_reason(lua_State *L, struct script_g *sg, int index)
{
    if (!lagoon__scope_is_cancelled(sg) || !lua_checkstack(L, 4)) {
        return false;
    }
    lua_pushvalue(L, index);
    lagoon__scope_push_reason(L, sg);
    bool is_reason = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is_reason;
}

void lagoon__scope_told(struct script_g *sg)
{
    sg->is_told = lagoon__scope_is_cancelled(sg);
}

// ---------------------------------------------------------------------------
// What else is in it
// ---------------------------------------------------------------------------

// scope_new(clock or nil): over the clock of the running goroutine's scope.
static int scope_new(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lagoon__rt(L, s);
    lg_clock *clock = lagoon__clock_at(L, 1);
    if (clock == NULL) {
        struct scope *parent = lagoon__scope_self(s);
        clock = parent != NULL ? parent->clock : NULL;
    }
    lagoon__scope_new(L, s, clock);
    return 1;
}

// Pushes the environment of the running goroutine's scope. NULL: there is none.
static struct scope *push_own_env(lua_State *L, struct script *s)
{
    struct scope *scope = lagoon__scope_self(s);
    if (scope != NULL) {
        lagoon__push_kept(L, s, scope->slot);
        lua_getfenv(L, -1);
        lua_remove(L, -2);
    }
    return scope;
}

// scope_adopt(group): one that the running goroutine has made belongs to its scope. Returns
// whether that is cancelled.
static int scope_adopt(lua_State *L)
{
    struct scope *scope = push_own_env(L, lagoon__script(L));
    if (scope == NULL) {
        return 0;
    }
    lua_rawgeti(L, 2, SCOPE_CHILDREN);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 1);
        lua_createtable(L, 0, 1);
        lua_pushliteral(L, "k");
        lua_setfield(L, -2, "__mode");
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_rawseti(L, 2, SCOPE_CHILDREN);
    }
    lua_pushvalue(L, 1);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
    lua_pushboolean(L, scope->is_cancelled);
    lua_rawgeti(L, 2, SCOPE_REASON);
    return 2;
}

// Takes out those that have ended, so that the list is at most twice as long as need be.
static void sweep_remotes(lua_State *L, struct scope *scope, int remotes)
{
    int n = 0;
    for (int i = 1; i <= scope->nremotes; i++) {
        lua_rawgeti(L, remotes, i);
        struct task *task = lua_touserdata(L, -1);
        struct task_core *core = lagoon__core_of(task);
        if (core != NULL && lagoon__remote_state(core) < TASK_DONE) {
            lua_rawseti(L, remotes, ++n);
        } else {
            lua_pop(L, 1);
        }
    }
    for (int i = n + 1; i <= scope->nremotes; i++) {
        lua_pushnil(L);
        lua_rawseti(L, remotes, i);
    }
    scope->nremotes = n;
    scope->remotes_cap = n * 2 > REMOTES_MIN ? n * 2 : REMOTES_MIN;
}

// Notes the task at index 1 in the scope whose environment is at index 2.
static void note_remote(lua_State *L, struct scope *scope)
{
    lua_rawgeti(L, 2, SCOPE_REMOTES);
    if (lua_isnil(L, 3)) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, 3);
        lua_rawseti(L, 2, SCOPE_REMOTES);
    }
    if (scope->nremotes >= scope->remotes_cap) {
        sweep_remotes(L, scope, 3);
    }
    lua_pushvalue(L, 1);
    lua_rawseti(L, 3, scope->nremotes + 1); // may raise
    scope->nremotes++;
    if (scope->is_cancelled) {
        lua_rawgeti(L, 2, SCOPE_REASON);
        lagoon__scope_end_remote(L, 1, 4, scope->is_killed);
    }
    lua_settop(L, 1);
}

// scope_note(task[, scope]): returns it. It runs in another state and belongs to this
// scope, or to that of the running goroutine.
static int scope_note(lua_State *L)
{
    lua_settop(L, 2);
    struct scope *scope = lagoon__object_at(L, 2, KIND_SCOPE);
    if (scope != NULL) {
        lua_getfenv(L, 2);
    } else {
        scope = push_own_env(L, lagoon__script(L));
    }
    if (scope != NULL) {
        lua_replace(L, 2);
        note_remote(L, scope);
    }
    lua_settop(L, 1);
    return 1;
}

void lagoon__scope_note(lua_State *L, struct script *s)
{
    if (lagoon__scope_self(s) != NULL) {
        lua_pushlightuserdata(L, s);
        lua_pushcclosure(L, scope_note, 1);
        lua_pushvalue(L, -2);
        lua_call(L, 1, 0);
    }
}

// scope_parallel(scope, f, ...): as parallel(), in another scope, which the caller keeps.
static int scope_parallel(lua_State *L)
{
    struct scope *scope = lagoon__self(L, KIND_SCOPE, "parallel");
    lua_remove(L, 1);
    struct task_core *core = lagoon__parallel_new(L, lagoon__script(L), "parallel");
    lagoon__parallel_start(L, scope, core);
    return 1;
}

// scope_async(scope, f, ...): as async(), in another scope.
static int scope_async(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lagoon__self(L, KIND_SCOPE, "go");
    struct scope *scope = lua_touserdata(L, 1);
    lagoon__check_room(L, 4, "too many arguments");
    lagoon__scope_hold(L, s, 1);
    lagoon__async_in(L, s, scope, lua_gettop(L) - 2);
    return 1;
}

// go_alone(f, ...), async_alone(f, ...): in no scope, for what serves several.
static int go_alone(lua_State *L)
{
    lg_ref ref;
    lagoon__go_in(L, lagoon__script(L), NULL, lua_gettop(L) - 1, &ref);
    return 0;
}

static int async_alone(lua_State *L)
{
    lagoon__check_room(L, 4, "too many arguments");
    lagoon__async_in(L, lagoon__script(L), NULL, lua_gettop(L) - 1);
    return 1;
}

static int finalise(lua_State *L)
{
    struct scope *scope = lagoon__object_at(L, 1, KIND_SCOPE);
    if (scope != NULL) {
        if (scope->clock != NULL && lagoon__rt_of_ends(scope->object.script) != NULL) {
            lg_clock_release(scope->clock);
        }
        scope->clock = NULL;
        lagoon__object_end(&scope->object);
    }
    return 0;
}

void lagoon__scope_send(struct scope *scope, struct task_core *core)
{
    core->is_owned = scope != NULL;
    if (scope != NULL && scope->clock != NULL) {
        lg_clock_retain(scope->clock);
        core->clock = scope->clock;
    }
}

struct scope *lagoon__scope_of_task(lua_State *L, struct script *s,
                                    const struct task_core *core)
{
    if (!core->is_owned) {
        lua_pushnil(L);
        return NULL;
    }
    struct scope *scope = lagoon__scope_new(L, s, core->clock);
    lagoon__scope_hold(L, s, lua_gettop(L));
    return scope;
}

void lagoon__open_scope(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"scope_new", scope_new},           {"scope_adopt", scope_adopt},
        {"scope_note", scope_note},         {"scope_async", scope_async},
        {"scope_parallel", scope_parallel}, {"go_alone", go_alone},
        {"async_alone", async_alone},       {NULL, NULL}};
    lagoon__register(L, s, functions);
}

void lagoon__scope_init(lua_State *L, struct script *s)
{
    static const luaL_Reg meta[] = {{"__gc", finalise}, {NULL, NULL}};
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.classes[KIND_SCOPE]);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
