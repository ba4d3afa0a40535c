// SPDX-License-Identifier: MIT
//
// A goroutine runs on a coroutine of its own, kept alive by a slot until it has
// ended. One that ended well is used again; one that failed cannot be.
#include "go.h"

#include <lauxlib.h>
#include <lualib.h>

#include "badend.h"
#include "fail.h"
#include "finish.h"
#include "preempt.h"
#include "report.h"
#include "require.h"
#include "scope.h"
#include "task.h"
#include "timeline.h"
#include "wait.h"
#include "watchdog.h"

void lagoon__restore(lua_State *L, struct script *s)
{
    // Calling anything makes the interpreter note who calls.
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.noop);
    lua_call(L, 0, 0);
}

// -- coroutines --

static struct coroutine get_coroutine(lua_State *L, struct script *s)
{
    if (s->npooled > 0) {
        return s->pool[--s->npooled];
    }
    struct coroutine c;
    c.co = lua_newthread(L);
    c.slot = lagoon__keep(L, s);
    return c;
}

// Makes room for one more in the pool, if it may be larger and there is memory.
static bool has_room(struct script *s)
{
    if (s->npooled < s->pool_cap) {
        return true;
    }
    int cap = s->pool_cap ? s->pool_cap * 2 : COROUTINE_POOL_MIN;
    struct coroutine *pool =
        cap > COROUTINE_POOL_CAP
            ? NULL
            : lagoon__realloc(s, s->pool, (size_t)s->pool_cap * sizeof *pool,
                              (size_t)cap * sizeof *pool);
    if (pool != NULL) {
        s->pool = pool;
        s->pool_cap = cap;
    }
    return pool != NULL;
}

static void put_coroutine(struct script *s, struct coroutine c)
{
    lua_settop(c.co, 0);
    if (has_room(s)) {
        s->pool[s->npooled++] = c;
    } else {
        lagoon__unkeep(s->aux, s, c.slot);
    }
}

// -- start --

// Source names are kept for ever, so that a goroutine's birthplace costs no
// copy. A program has few; one that loads strings without end is cut short.
static const char *keep_source(lua_State *L, struct script *s, const char *source)
{
    enum { SOURCES_MAX = 1000 };
    if (source == s->last_source) {
        return source;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.sources);
    lua_pushstring(L, source);
    lua_rawget(L, -2);
    if (lua_isnil(L, -1)) {
        if (s->nsources == SOURCES_MAX) {
            lua_pop(L, 2);
            return "=?";
        }
        s->nsources++;
        lua_pushstring(L, source);
        lua_pushboolean(L, 1);
        lua_rawset(L, -4);
    }
    lua_pop(L, 2);
    // The string is the very one that the function has: strings are unique.
    return s->last_source = source;
}

struct birthplace lagoon__birthplace(lua_State *L, struct script *s)
{
    struct birthplace birth = {0};
    lua_Debug ar;
    if (lagoon__script_frame(L, &ar)) {
        birth.source = keep_source(L, s, ar.source);
        birth.line = ar.currentline;
    }
    return birth;
}

struct birthplace lagoon__keep_birth(lua_State *L, struct script *s, const char *source,
                                     int line)
{
    struct birthplace birth = {0};
    if (line > 0) {
        lua_pushstring(L, source);
        birth.source = keep_source(L, s, lua_tostring(L, -1));
        birth.line = line;
        lua_pop(L, 1);
    }
    return birth;
}

struct script_g *lagoon__go(lua_State *L, struct script *s, int nargs, lg_ref *out)
{
    return lagoon__go_in(L, s, lagoon__scope_self(s), nargs, out);
}

struct script_g *lagoon__go_in(lua_State *L, struct script *s, struct scope *scope,
                               int nargs, lg_ref *out)
{
    lagoon__rt(L, s);
    struct birthplace birth = lagoon__birthplace(L, s);
    struct coroutine c = get_coroutine(L, s);
    if (!lua_checkstack(c.co, nargs + 2)) {
        put_coroutine(s, c);
        if (nargs + 2 > LUAI_MAXCSTACK) {
            lagoon__raise(L, "too many arguments for a goroutine");
        }
        lagoon__raise_memory(L);
    }
    void *extra;
    int err = lg_strand_go(s->strand, NULL, out, &extra);
    if (err) {
        put_coroutine(s, c);
        lagoon__raise(L, "cannot start a goroutine: %s", lg_strerror(err));
    }
    struct script_g *sg = extra;
    sg->script = s;
    sg->co = c.co;
    sg->co_slot = c.slot;
    sg->birth = birth;
    sg->g = out->g;
    sg->id = out->id;
    sg->parent = lg_self().id;
    lagoon__busy_add(s, 1);
    lagoon__scope_join(scope, sg);
    lua_pushvalue(L, LUA_GLOBALSINDEX); // as lua_newthread() does
    lua_xmove(L, c.co, 1);
    lua_replace(c.co, LUA_GLOBALSINDEX);
    lua_xmove(L, c.co, nargs + 1);
    return sg;
}

// -- run --

// Ends a goroutine; its results, or its error, are on top of `from`.
static void end(struct script *s, struct script_g *sg, lua_State *from, int status)
{
    if (status == LUA_ERRMEM) {
        lagoon__collect_scarce(s); // what it is reported with needs some
    }
    if (sg->task) {
        lagoon__task_end(sg, from, status);
    } else if (status) {
        bool is_cancelled = lagoon__scope_is_reason(from, sg, -1);
        lagoon__badend_note(sg, from, -1, is_cancelled);
        if (!is_cancelled) {
            lagoon__report_unhandled(sg, from);
        }
    }
    lagoon__scope_leave(sg);
    if (sg->id == s->main_id) {
        s->is_over = true;
        s->on_over(s);
    }
    struct coroutine c = {sg->co, sg->co_slot};
    if (status == 0) {
        put_coroutine(s, c);
    } else {
        lagoon__unkeep(s->aux, s, c.slot);
    }
    lagoon__busy_end(s); // behind what may start another one
}

static bool is_where_it_was(struct script_g *sg)
{
    return lua_status(sg->co) == LUA_YIELD && lua_gettop(sg->co) == sg->top;
}

// Somebody has called coroutine.resume() with the coroutine of a goroutine
// that waited.
static int end_stolen(struct script *s, struct script_g *sg)
{
    lagoon__loads_leave(sg);
    lua_State *from = lua_newthread(s->aux); // the error needs a stack of its own
    lua_pushliteral(from, "a waiting goroutine was resumed as a coroutine");
    end(s, sg, from, LUA_ERRRUN);
    lua_pop(s->aux, 1);
    return LG_OK;
}

// Before its first step a goroutine of a cancelled scope, or a task that is cancelled,
// ends without one.
static bool is_dropped(struct script_g *sg)
{
    return sg->task ? lagoon__task_is_dropped(sg) : lagoon__scope_is_cancelled(sg);
}

static int end_dropped(struct script *s, struct script_g *sg)
{
    lagoon__badend_note(sg, NULL, 0, true);
    lagoon__scope_leave(sg);
    lagoon__busy_end(s);
    put_coroutine(s, (struct coroutine){sg->co, sg->co_slot});
    return LG_OK;
}

// A goroutine that was killed: what it waited for is given back, its coroutine stays where
// it is and is not resumed.
static int end_killed(struct script *s, struct script_g *sg, bool has_wait, int rc)
{
    lua_State *L = sg->donor != NULL ? sg->donor : sg->co;
    if (has_wait && sg->finish != NULL && (sg->donor != NULL || is_where_it_was(sg))) {
        lagoon__finish(L, sg, rc);
    }
    if (s->loads != NULL) {
        lagoon__loads_leave(sg);
        lagoon__loads_end(s, sg);
    }
    if (sg->task) {
        lagoon__task_kill(sg);
    }
    lagoon__scope_leave(sg);
    lagoon__unkeep(s->aux, s, sg->co_slot);
    lagoon__busy_end(s);
    return LG_OK;
}

// A script that is over runs no more: its goroutines sleep until the end.
static int sleep_for_ever(void)
{
    int rc = lg_sleep_until(LG_NEVER);
    return rc == LG_WAIT ? LG_WAIT : LG_OK;
}

// What a wait has opened gets its owner, which closes it with the state.
static void keep_opened(struct script_g *sg, int rc)
{
    if (sg->parked_on == PARKED_TO_OPEN && is_where_it_was(sg)) {
        sg->parked_on = PARKED_ELSEWHERE;
        lagoon__finish(sg->co, sg, rc);
    }
}

// A goroutine that is expected to block its thread goes on.
static void stand_aside(const struct script_g *sg)
{
    if (sg->is_aside) {
        lg_stand_aside();
    }
}

static int resume(lg_strand *strand, lg_g *g, void *extra, bool has_wait)
{
    (void)strand;
    struct script_g *sg = extra;
    struct script *s = sg->script;
    lua_State *co = sg->co;
    int rc = has_wait ? lg_wait_finish(g) : LG_OK;
    if (s->is_over) {
        if (has_wait) {
            keep_opened(sg, rc);
        }
        return sleep_for_ever();
    }
    if (++s->collector.nresumes >= RESUMES_PER_LOOK || s->cap.was_refused) {
        lagoon__collect_look(s);
    }
    if (sg->is_killed || lagoon__scope_is_killed(sg)) {
        return end_killed(s, sg, has_wait, rc);
    }
    int nargs;
    if (has_wait && !is_where_it_was(sg)) {
        return end_stolen(s, sg);
    } else if (has_wait) {
        sg->is_armed = false;
        nargs = lagoon__finish(co, sg, rc);
    } else if (is_dropped(sg)) {
        return end_dropped(s, sg);
    } else {
        lagoon__scope_begin(sg);
        nargs = lua_gettop(co) - 1;
    }
    stand_aside(sg);
    int status = lua_resume(co, nargs);
    lagoon__watchdog_look(s->aux, co, sg);
    if (s->loads != NULL) {
        lagoon__loads_end(s, sg);
    }
    if (status == LUA_YIELD) {
        if (sg->is_armed) {
            return LG_WAIT;
        }
        lua_pushliteral(co, "attempt to yield from outside a coroutine");
        status = LUA_ERRRUN;
    }
    end(s, sg, co, status);
    return LG_OK;
}

static void returned(lg_strand *strand, lg_g *g, void *extra)
{
    (void)strand;
    (void)g;
    struct script_g *sg = extra;
    if (!sg->script->is_over) {
        lagoon__restore(sg->donor, sg->script);
        stand_aside(sg);
    }
}

const lg_strand_ops lagoon__strand_ops = {
    .resume = resume,
    .returned = returned,
    .interrupt = lagoon__interrupt,
    .sample = lagoon__sample,
    .describe = lagoon__describe,
};

// -- Lua functions --

void lagoon__check_callable(lua_State *L, int n, const char *name)
{
    if (lua_isfunction(L, n)) {
        return;
    }
    if (!luaL_getmetafield(L, n, "__call")) {
        lagoon__raise_argument(L, n, name, "function expected, got %s",
                               lagoon__type_name(L, n));
    }
    lua_pop(L, 1);
}

// check_callable(f, name[, n]): for functions that are made in Lua, whose first or
// second argument it is.
static int check_callable(lua_State *L)
{
    int n = (int)luaL_optinteger(L, 3, 1);
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    lua_insert(L, n);
    lagoon__check_callable(L, n, lua_tostring(L, 3));
    return 0;
}

static int go(lua_State *L)
{
    lagoon__check_callable(L, 1, "go");
    lg_ref ref;
    lagoon__go(L, lagoon__script(L), lua_gettop(L) - 1, &ref);
    return 0;
}

static int finish_yield(lua_State *L, struct script_g *sg, int rc)
{
    (void)L;
    (void)sg;
    (void)rc;
    return 0;
}

static int yield(lua_State *L)
{
    struct script *s = lagoon__script(L);
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    int rc = sg == &s->outside ? LG_EAGAIN : lg_yield();
    return lagoon__settle(L, sg, rc, finish_yield);
}

// is_inside(): whether a goroutine of this state is running.
static int is_inside(lua_State *L)
{
    struct script_g *sg = lg_extra_self();
    lua_pushboolean(L, sg != NULL && sg->script == lagoon__script(L));
    return 1;
}

// -- the program's coroutine library --

// The coroutine of a goroutine is the scheduler's: for the script it is no
// coroutine, as the main one of luajit is none.
static bool is_goroutines_own(lua_State *L)
{
    struct script_g *sg = lg_extra_self();
    return sg != NULL && sg->co == L;
}

static int coroutine_yield(lua_State *L)
{
    if (is_goroutines_own(L)) {
        lagoon__raise(L, "attempt to yield from outside a coroutine");
    }
    return lua_yield(L, lua_gettop(L));
}

static int coroutine_isyieldable(lua_State *L)
{
    lua_pushboolean(L, !is_goroutines_own(L) && lua_isyieldable(L));
    return 1;
}

void lagoon__guard_coroutines(lua_State *L)
{
    lua_getglobal(L, LUA_COLIBNAME);
    lua_pushcfunction(L, coroutine_yield);
    lua_setfield(L, -2, "yield");
    lua_pushcfunction(L, coroutine_isyieldable);
    lua_setfield(L, -2, "isyieldable");
    lua_pop(L, 1);
}

void lagoon__open_go(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"go", go},
                                         {"yield", yield},
                                         {"is_inside", is_inside},
                                         {"check_callable", check_callable},
                                         {NULL, NULL}};
    lagoon__register(L, s, functions);
}
