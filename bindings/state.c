// SPDX-License-Identifier: MIT
#include "state.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "class.h"
#include "code.h"
#include "cores.h"
#include "fail.h"
#include "finish.h"
#include "go.h"
#include "hostend.h"
#include "interruptible.h"
#include "names.h"
#include "out.h"
#include "refusal.h"
#include "require.h"
#include "scope.h"
#include "select.h"
#include "task.h"

enum { HIDDEN_STEP_BYTES = 256 * 1024, WHY_SIZE = 200 };

void lagoon__register(lua_State *L, struct script *s, const luaL_Reg *functions)
{
    for (; functions->name != NULL; functions++) {
        lua_pushlightuserdata(L, s);
        lua_pushcclosure(L, functions->func, 1);
        lua_setfield(L, -2, functions->name);
    }
}

void *lagoon__realloc(struct script *s, void *ptr, size_t osize, size_t nsize)
{
    void *ud;
    lua_Alloc alloc = lua_getallocf(s->aux, &ud);
    return alloc(ud, ptr, osize, nsize);
}

void lagoon__hidden(lua_State *L, struct script *s, size_t size_bytes)
{
    s->hidden_bytes += size_bytes;
    if (s->hidden_bytes >= HIDDEN_STEP_BYTES) {
        size_t kbytes = s->hidden_bytes / 1024;
        s->hidden_bytes = 0;
        if (lua_gc(L, LUA_GCISRUNNING, 0) == 0 || lg_gc_percent_get(s->rt) == LG_GC_OFF) {
            return; // a step would set it going
        }
        lua_gc(L, LUA_GCSTEP, kbytes < 1024 * 1024 ? (int)kbytes : 1024 * 1024);
    }
}

int lagoon__keep(lua_State *L, struct script *s)
{
    int slot = lagoon__slots_get(&s->slots, s);
    if (slot == 0) {
        lagoon__raise_memory(L);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.kept);
    lua_insert(L, -2);
    lua_rawseti(L, -2, slot);
    lua_pop(L, 1);
    return slot;
}

void lagoon__push_kept(lua_State *L, struct script *s, int slot)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.kept);
    lua_rawgeti(L, -1, slot);
    lua_remove(L, -2);
}

void lagoon__unkeep(lua_State *L, struct script *s, int slot)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.kept);
    lua_pushnil(L);
    lua_rawseti(L, -2, slot);
    lua_pop(L, 1);
    lagoon__slots_put(&s->slots, slot);
}

// The state's memory is the runtime's, so that one limit counts for all.
static void *allocate(void *ud, void *ptr, size_t osize, size_t nsize)
{
    return lagoon__allocate(ud, ptr, osize, nsize);
}

// As the one that luaL_newstate() sets.
static int panic(lua_State *L)
{
    const char *message = lua_tostring(L, -1);
    fprintf(stderr, "PANIC: unprotected error in call to Lua API (%s)\n",
            message ? message : "?");
    return 0;
}

lua_State *lagoon__new_state_with(lua_Alloc alloc, void *ud)
{
    lua_State *L = lua_newstate(alloc, ud);
    if (L != NULL) {
        lua_atpanic(L, panic);
    }
    return L;
}

lua_State *lagoon__new_state(lg_runtime *rt)
{
    lua_State *L = lagoon__new_state_with(allocate, rt);
    return L ? L : luaL_newstate();
}

lg_runtime *lagoon__rt(lua_State *L, const struct script *s)
{
    if (s->rt == NULL) {
        lagoon__raise(L, "the runtime has been closed");
    }
    return s->rt;
}

static void free_own(struct script *s)
{
    lagoon__select_fini(s);
    lg_handle_free(s->out_handle);
    lg_handle_free(s->last_handle);
}

void lagoon__script_close(struct script *s)
{
    if (s->rt == NULL) {
        return;
    }
    free_own(s);
    lagoon__testhook_fini(s);
    if (s->owns_runtime && lg_current() == NULL) {
        lagoon__hostend(s->rt, s->hub);
    }
    s->rt = NULL;
    s->hub = NULL;
    s->strand = NULL;
}

// What finalisers may still do is as little as at the end of a program.
void lagoon__script_end_alone(struct script *s)
{
    s->ending_rt = s->rt;
    s->rt = NULL;
    s->hub = NULL;
    s->strand = NULL;
}

static int finalise(lua_State *L)
{
    struct script *s = lua_touserdata(L, 1);
    if (s->ending_rt != NULL) {
        lagoon__cores_fini(s);
        free_own(s);
        s->ending_rt = NULL;
    }
    lagoon__script_close(s);
    if (s->aux != NULL) { // else there was no memory to begin with
        lagoon__loads_fini(s);
        lagoon__slots_fini(&s->slots, s);
        lagoon__realloc(s, s->pool, (size_t)s->pool_cap * sizeof *s->pool, 0);
        s->pool = NULL;
        s->pool_cap = s->npooled = 0;
    }
    lagoon__cap_undo(s);
    return 0;
}

static int noop(lua_State *L)
{
    (void)L;
    return 0;
}

static int default_name(lua_State *L)
{
    lua_pushliteral(L, "lagoon.default");
    return 1;
}

static int new_ref(lua_State *L)
{
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

static int new_table(lua_State *L, const char *mode)
{
    lua_newtable(L);
    if (mode != NULL) {
        lua_createtable(L, 0, 1);
        lua_pushstring(L, mode);
        lua_setfield(L, -2, "__mode");
        lua_setmetatable(L, -2);
    }
    return new_ref(L);
}

static void make_refs(lua_State *L, struct script *s)
{
    struct script_refs *refs = &s->refs;
    refs->kept = new_table(L, NULL);
    refs->sources = new_table(L, NULL);
    refs->traces = new_table(L, "k");
    refs->recent = new_table(L, NULL);
    refs->fast_refs = new_table(L, "kv");
    refs->failed = new_table(L, "k");
    refs->handler = LUA_NOREF;
    refs->sending = new_table(L, NULL);
    lua_pushboolean(L, 0);
    refs->scratch = new_ref(L);
    refs->shared = new_table(L, "v");
    lua_pushcfunction(L, noop);
    refs->noop = new_ref(L);
    lagoon__refusal_init(L, s);

    lua_newuserdata(L, 0);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, default_name);
    lua_setfield(L, -2, "__tostring");
    lua_setmetatable(L, -2);
    refs->default_case = new_ref(L);

    for (int kind = 0; kind < NKINDS; kind++) {
        lagoon__class(L, (enum kind)kind);
        lua_pushcfunction(L, lagoon__object_tostring);
        lua_setfield(L, -2, "__tostring");
        refs->classes[kind] = new_ref(L);
    }
}

// What a host wants; by default what the environment says.
struct wish {
    const lg_options *options;
    int *err; // why it cannot be
};

static lg_runtime *open_runtime(lua_State *L, struct wish *wish)
{
    lg_options defaults;
    const lg_options *options = wish->options;
    if (options == NULL) {
        char why[WHY_SIZE];
        lg_options_init(&defaults);
        *wish->err = lg_options_env(&defaults, why, sizeof why);
        if (*wish->err) {
            lagoon__raise(L, "cannot open a runtime: %s", why);
        }
        options = &defaults;
    }
    lg_runtime *rt;
    *wish->err = lg_open(options, &rt);
    if (*wish->err) {
        lagoon__raise(L, "cannot open a runtime: %s", lg_strerror(*wish->err));
    }
    *wish->err = LG_ENOMEM; // all that can fail from here on
    return rt;
}

static struct script *open_with(lua_State *L, lg_runtime *rt, struct wish *wish)
{
    lagoon__check_room(L, 8, "no room to load lagoon");
    bool is_main = lua_pushthread(L) == 1;
    lua_pop(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, LAGOON_SCRIPT_KEY);
    struct script *s = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (s != NULL) {
        return s;
    }
    s = lua_newuserdata(L, sizeof *s);
    memset(s, 0, sizeof *s);
    s->outside.script = s;
    s->main = is_main ? L : NULL;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, finalise);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);

    s->aux = lua_newthread(L);
    new_ref(L);
    make_refs(L, s);
    lagoon__finish_init(L, s);
    s->owns_runtime = rt == NULL;
    s->rt = rt ? rt : open_runtime(L, wish);
    lagoon__share_init(L, s);
    lagoon__out_init(L, s);
    lagoon__names_init(L, s);
    lagoon__code_init(L, s);
    lagoon__class_init(L, s);
    lagoon__task_init(L, s);
    lagoon__scope_init(L, s);
    lagoon__collect_init(L, s);
    lagoon__interruptible_init(s);
    lua_pushboolean(L, false);
    lua_setfield(L, LUA_REGISTRYINDEX, LAGOON_SCRIPT_KEY);
    int err = lg_strand_open(s->rt, &lagoon__strand_ops, s, &s->strand);
    if (!err && s->owns_runtime) {
        err = lg_strand_pin(s->strand); // the host's state stays on the host's thread
    }
    if (err) {
        lagoon__raise(L, "cannot open a strand: %s", lg_strerror(err));
    }
    // The entry is there: nothing fails any more.
    lua_setfield(L, LUA_REGISTRYINDEX, LAGOON_SCRIPT_KEY);
    return s;
}

struct script *lagoon__script_open(lua_State *L, lg_runtime *rt)
{
    int err;
    return open_with(L, rt, &(struct wish){.err = &err});
}

void lagoon__script_attach(lua_State *L, const lg_options *options, int *out_err)
{
    *out_err = LG_ENOMEM;
    open_with(L, NULL, &(struct wish){.options = options, .err = out_err});
}
