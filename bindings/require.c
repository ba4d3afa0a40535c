// SPDX-License-Identifier: MIT
//
// Who loads what. Nothing of ours stands between `require` and a module's body: levels,
// messages and tracebacks are as ever, but nobody tells when a load has ended, least of
// all when by an error. That can be seen, though: the frame of `require` is gone. It is
// looked for when the goroutine lets others run; before that nobody could go on anyway.
//
// `require` is a C function that calls: as long as it stands, its goroutine waits on its
// C stack, and when its coroutine yields or ends, no load of its is left.
#include "require.h"

#include <lauxlib.h>
#include <string.h>

#include "embedded.h"
#include "fail.h"
#include "modules.h"
#include "names.h"
#include "state.h"
#include "trace.h"
#include "wait.h"

struct load {
    struct load *next; // in script.loads
    struct script_g *owner;
    lua_State *L; // where `require` was called
    int slot;     // keeps L; 0: the load is over
    int place;    // of that frame, from the bottom of the stack
    size_t nwaiters;
    lg_waitgroup end;
    size_t size_bytes;
    char name[];
};

// -- frames --

// Whether the frame at the load's place is of Lua's `require`, with the load's name.
static bool is_standing(const struct load *load, struct script *s)
{
    lua_State *L = load->L;
    lua_Debug ar;
    int level = lagoon__trace_levels(L) - load->place;
    int status = lua_status(L);
    if ((status != 0 && status != LUA_YIELD) || level < 0 ||
        !lua_getstack(L, level, &ar)) {
        return false;
    }
    if (!lua_checkstack(L, 4)) {
        return true; // it is found out later
    }
    int top = lua_gettop(L);
    lua_getinfo(L, "f", &ar);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.require);
    bool is_it = lua_rawequal(L, -1, -2) && lua_getlocal(L, &ar, 1) != NULL &&
                 lua_type(L, -1) == LUA_TSTRING &&
                 strcmp(lua_tostring(L, -1), load->name) == 0;
    lua_settop(L, top);
    return is_it;
}

// -- loads --

// Pushes what package.loaded has.
static void push_loaded(lua_State *L, struct script *s, const char *name)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.loaded);
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    lua_remove(L, -2);
}

static bool is_loaded(lua_State *L, struct script *s, const char *name)
{
    push_loaded(L, s, name);
    bool is_it = lua_toboolean(L, -1) && !lagoon__is_loading_mark(L);
    lua_pop(L, 1);
    return is_it;
}

static bool is_going_on(lua_State *L, struct script *s, const struct load *load)
{
    return load->slot != 0 && is_standing(load, s) && !is_loaded(L, s, load->name);
}

static void unlink_load(struct script *s, struct load *load)
{
    struct load **link = &s->loads;
    while (*link != load) {
        link = &(*link)->next;
    }
    *link = load->next;
    lagoon__realloc(s, load, load->size_bytes, 0);
}

// The load is freed, or will be by the last who waits for it.
static void end_load(lua_State *L, struct script *s, struct load *load)
{
    if (load->slot != 0) {
        lagoon__unkeep(L, s, load->slot);
        load->slot = 0;
        load->owner = NULL;
        if (load->nwaiters > 0) {
            lg_waitgroup_add(&load->end, -1);
        }
    }
    if (load->nwaiters == 0) {
        unlink_load(s, load);
    }
}

void lagoon__loads_end(struct script *s, struct script_g *sg)
{
    struct load *next;
    for (struct load *load = s->loads; load != NULL; load = next) {
        next = load->next;
        if (load->owner == sg) {
            end_load(s->aux, s, load);
        }
    }
}

void lagoon__loads_look(lua_State *L, struct script_g *sg)
{
    struct script *s = sg->script;
    struct load *next;
    for (struct load *load = s->loads; load != NULL; load = next) {
        next = load->next;
        if (load->owner == sg && lua_checkstack(L, 4) && !is_going_on(L, s, load)) {
            end_load(L, s, load);
        }
    }
}

void lagoon__loads_leave(struct script_g *sg)
{
    struct load *load = sg->awaits;
    if (load == NULL) {
        return;
    }
    sg->awaits = NULL;
    load->nwaiters--;
    if (load->nwaiters == 0 && load->slot == 0) {
        unlink_load(sg->script, load);
    }
}

void lagoon__loads_fini(struct script *s)
{
    while (s->loads != NULL) {
        unlink_load(s, s->loads);
    }
}

// -- require --

static struct load *find_load(struct script *s, const char *name)
{
    struct load *load = s->loads;
    while (load != NULL && (load->slot == 0 || strcmp(load->name, name) != 0)) {
        load = load->next;
    }
    return load;
}

// Notes that the goroutine loads the module. Without memory nobody will wait for it.
static void add_load(lua_State *L, struct script_g *sg, const char *name)
{
    struct script *s = sg->script;
    lua_pushthread(L);
    int slot = lagoon__keep(L, s);
    size_t size_bytes = sizeof(struct load) + strlen(name) + 1;
    struct load *load = lagoon__realloc(s, NULL, 0, size_bytes);
    if (load == NULL) {
        lagoon__unkeep(L, s, slot);
        return;
    }
    memset(load, 0, size_bytes);
    load->owner = sg;
    load->L = L;
    load->slot = slot;
    load->place = lagoon__trace_levels(L) - 1; // it takes the place of our caller
    load->size_bytes = size_bytes;
    memcpy(load->name, name, strlen(name) + 1);
    load->next = s->loads;
    s->loads = load;
}

// Whether a load ends only when the goroutine goes on.
static bool is_cycle(const struct load *load, const struct script_g *sg)
{
    while (load != NULL && load->slot != 0) {
        if (load->owner == sg) {
            return true;
        }
        load = load->owner->awaits;
    }
    return false;
}

static int finish_wait(lua_State *L, struct script_g *sg, int rc)
{
    lagoon__loads_leave(sg);
    return lagoon__finish_plain(L, sg, rc);
}

static int wait_for(lua_State *L, struct script *s, struct load *load)
{
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    if (sg == &s->outside) {
        return 0;
    }
    if (load->nwaiters == 0) {
        lg_waitgroup_add(&load->end, 1);
    }
    load->nwaiters++;
    sg->awaits = load;
    return lagoon__settle(L, sg, lg_waitgroup_wait(&load->end, LG_NEVER), finish_wait);
}

// begin(name, has_waited): waits if another goroutine loads the module, and returns a
// code. Nothing: Lua's `require` shall decide, called from where this was. After a wait
// it shall not see that the other one has failed.
static int begin(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct script_g *sg = lg_extra_self();
    if (sg == NULL || sg->script != s || lua_type(L, 1) != LUA_TSTRING) {
        return 0;
    }
    const char *name = lua_tostring(L, 1);
    lagoon__loads_look(L, sg);
    struct load *load = find_load(s, name);
    if (is_loaded(L, s, name)) {
        return 0;
    } else if (load != NULL) {
        return is_cycle(load, sg) ? 0 : wait_for(L, s, load);
    }
    push_loaded(L, s, name);
    if (lua_toboolean(L, -1) && !lua_toboolean(L, 2)) {
        return 0; // it has failed before
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.loaded);
    lua_pushnil(L);
    lua_setfield(L, -2, name);
    add_load(L, sg, name);
    return 0;
}

void lagoon__guard_require(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"begin_load", begin}, {NULL, NULL}};
    lua_getglobal(L, "require");
    s->refs.require = luaL_ref(L, LUA_REGISTRYINDEX);
    lagoon__load_embedded(L, lagoon__find_embedded("lagoon.require"));
    lua_createtable(L, 0, 8);
    lagoon__register(L, s, functions);
    lagoon__open_fail(L, s);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.loaded);
    lua_pushvalue(L, -1);
    lua_insert(L, -4);
    lua_call(L, 2, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "lagoon.require");
    lagoon__replace_builtin(L, s, "require");
    lua_pop(L, 2);
}
