// SPDX-License-Identifier: MIT
//
// How all that belongs to a scope ends: cancelled, or killed.
#include <lauxlib.h>

#include "fail.h"
#include "go.h"
#include "remote.h"
#include "scope.h"
#include "state.h"
#include "task.h"
#include "timers.h"
#include "wait.h"

// Whether it has been told, or is about to be, by its task.
static bool is_told(const struct script_g *sg)
{
    return sg->is_told || (sg->task != NULL && sg->task->is_reason_due);
}

static void cancel_goroutines(struct scope *scope)
{
    for (struct script_g *sg = scope->gs; sg != NULL; sg = sg->next_in_scope) {
        if (!is_told(sg)) {
            lg_cancel((lg_ref){.g = sg->g, .id = sg->id});
        }
    }
}

// The running one comes last, by itself.
static void kill_goroutines(struct scope *scope)
{
    for (struct script_g *sg = scope->gs; sg != NULL; sg = sg->next_in_scope) {
        sg->is_killed = true;
        lg_ref ref = {.g = sg->g, .id = sg->id};
        lg_strand_abandon(ref);
        lg_cancel(ref);
    }
}

// Calls object[method](object, reason); object and reason at indices.
static void call_method(lua_State *L, int object, const char *method, int reason)
{
    lua_getfield(L, object, method);
    lua_pushvalue(L, object);
    lua_pushvalue(L, reason);
    lua_call(L, 2, 0);
}

// Groups that were made in it, as a list: ending them changes the table.
static void end_children(lua_State *L, int env, int reason, const char *method)
{
    lua_rawgeti(L, env, SCOPE_CHILDREN);
    int children = lua_gettop(L);
    if (!lua_istable(L, children)) {
        lua_pop(L, 1);
        return;
    }
    lua_newtable(L);
    int n = 0;
    for (lua_pushnil(L); lua_next(L, children) != 0; lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_rawseti(L, children + 1, ++n);
    }
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, children + 1, i);
        call_method(L, children + 2, method, reason);
        lua_settop(L, children + 1);
    }
    lua_settop(L, children - 1);
}

static int try_end_remote(lua_State *L, int task, int reason, bool is_kill)
{
    lua_pushlightuserdata(L, lagoon__script(L));
    lua_pushcclosure(L, lagoon__remote_end_whole, 1);
    lua_pushvalue(L, task);
    lua_pushvalue(L, reason);
    lua_pushboolean(L, is_kill);
    return lua_pcall(L, 3, 0, 0);
}

// A reason that cannot be sent is left here.
void lagoon__scope_end_remote(lua_State *L, int task, int reason, bool is_kill)
{
    int top = lua_gettop(L);
    if (try_end_remote(L, task, reason, is_kill) != 0) {
        lua_pushliteral(L, "cancelled");
        try_end_remote(L, task, lua_gettop(L), is_kill);
    }
    lua_settop(L, top);
}

static void end_remotes(lua_State *L, struct scope *scope, int env, int reason,
                        bool is_kill)
{
    lua_rawgeti(L, env, SCOPE_REMOTES);
    int remotes = lua_gettop(L);
    for (int i = 1; i <= scope->nremotes; i++) {
        lua_rawgeti(L, remotes, i);
        lagoon__scope_end_remote(L, remotes + 1, reason, is_kill);
        lua_settop(L, remotes);
    }
    lua_pop(L, 1);
}

// Ends all that lives in the scope at an absolute index. Raises for want of memory.
static void end_scope(lua_State *L, int index, int reason, bool is_kill)
{
    struct scope *scope = lua_touserdata(L, index);
    lagoon__check_room(L, 16, "no room to end a group");
    lua_getfenv(L, index);
    int env = lua_gettop(L);
    if (!scope->is_cancelled) {
        lua_pushvalue(L, reason);
        lua_rawseti(L, env, SCOPE_REASON);
    }
    lua_rawgeti(L, env, SCOPE_REASON); // the first one counts
    reason = env + 1;
    scope->is_cancelled = true;
    scope->is_killed |= is_kill;
    lagoon__timers_cancel(L, scope);
    if (is_kill) {
        kill_goroutines(scope);
    } else {
        cancel_goroutines(scope);
    }
    end_remotes(L, scope, env, reason, is_kill);
    end_children(L, env, reason, is_kill ? "kill" : "cancel");
    lua_settop(L, env - 1);
}

static struct scope *check_scope(lua_State *L)
{
    struct scope *scope = lagoon__self(L, KIND_SCOPE, "cancel");
    lagoon__rt(L, scope->object.script);
    return scope;
}

// scope_cancel(scope, reason)
static int scope_cancel(lua_State *L)
{
    check_scope(L);
    lua_settop(L, 2);
    end_scope(L, 1, 2, false);
    return 0;
}

static int finish_nothing(lua_State *L, struct script_g *sg, int rc)
{
    (void)L;
    (void)sg;
    (void)rc;
    return 0;
}

// scope_kill(scope, reason)
static int scope_kill(lua_State *L)
{
    check_scope(L);
    lua_settop(L, 2);
    end_scope(L, 1, 2, true);
    return 0;
}

int lagoon__scope_die(lua_State *L)
{
    struct script *s = lagoon__script(L);
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    if (sg == &s->outside) {
        lagoon__refuse(L, s);
    }
    lua_settop(L, 0);
    return lagoon__settle(L, sg, lg_yield(), finish_nothing); // it is not resumed
}

// scope_die(): ends the running goroutine here if it has been killed.
static int scope_die(lua_State *L)
{
    struct script_g *sg = lg_extra_self();
    bool is_ours = sg != NULL && sg->script == lagoon__script(L);
    return is_ours && sg->is_killed ? lagoon__scope_die(L) : 0;
}

// -- tasks of other states --

struct told {
    struct script_g *sg;
    bool is_kill;
};

// end_all(told, reason)
static int end_all(lua_State *L)
{
    struct told *told = lua_touserdata(L, 1);
    lagoon__push_kept(L, told->sg->script, told->sg->scope->slot);
    end_scope(L, 3, 2, told->is_kill);
    return 0;
}

// How a task is to end that runs here for another state.
static enum ending_of_task ending_of(const struct script_g *sg)
{
    struct task_core *core = sg->task != NULL ? lagoon__core_of(sg->task) : NULL;
    bool is_owned = core != NULL && core->is_owned && sg->scope != NULL;
    return is_owned ? lagoon__remote_ending(core) : ENDS_BY_ITSELF;
}

// The reason is on top of L. Without memory the rest goes on.
static void end_own_scope(lua_State *L, struct script_g *sg, bool is_kill)
{
    struct told told = {.sg = sg, .is_kill = is_kill};
    lua_pushlightuserdata(L, sg->script);
    lua_pushcclosure(L, end_all, 1);
    lua_pushlightuserdata(L, &told);
    lua_pushvalue(L, -3);
    if (lua_pcall(L, 2, 0, 0) != 0) {
        lua_pop(L, 1);
    }
}

void lagoon__scope_told_remote(lua_State *L, struct script_g *sg)
{
    if (ending_of(sg) == ENDS_CANCELLED && !sg->scope->is_cancelled) {
        sg->is_told = true;
        end_own_scope(L, sg, false);
    }
}

bool lagoon__scope_is_killed(struct script_g *sg)
{
    if (!sg->is_killed && sg->task != NULL && ending_of(sg) == ENDS_KILLED) {
        lua_State *aux = sg->script->aux;
        lua_pushliteral(aux, "cancelled");
        end_own_scope(aux, sg, true);
        lua_settop(aux, 0);
    }
    return sg->is_killed;
}

void lagoon__open_scopeend(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"scope_cancel", scope_cancel},
                                         {"scope_kill", scope_kill},
                                         {"scope_die", scope_die},
                                         {NULL, NULL}};
    lagoon__register(L, s, functions);
}
