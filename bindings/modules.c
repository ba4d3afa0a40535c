// SPDX-License-Identifier: MIT
#include "modules.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#include "fail.h"
#include "origin.h"
#include "state.h"

enum {
    LEVELS_MAX = 3,       // tables below a module's
    QUEUE_MAX = 2 * 5000, // a module with more tables is data
};

struct walk {
    lua_State *L;
    struct script *s;
    struct origin origin;
    // -- indices on the stack of L --
    int names;
    int loaded;
    int queue; // table, its name with a zero behind it, next table, ...
    int seen;  // table -> true: in the queue, or never to be
    //
    int nqueued;
};

// -- names --

// A name as it is made: of a prefix and a key.
struct offer {
    const char *prefix;
    size_t prefix_length;
    const char *key;
    size_t key_length;
};

static int compare(const struct offer *offer, const char *old, size_t old_length)
{
    size_t length = offer->prefix_length + offer->key_length;
    if (length != old_length) {
        return length < old_length ? -1 : 1;
    }
    int sign = memcmp(offer->prefix, old, offer->prefix_length);
    return sign != 0 ? sign
                     : memcmp(offer->key, old + offer->prefix_length, offer->key_length);
}

static bool is_better(const struct offer *offer, const char *old, size_t old_length)
{
    int sign = compare(offer, old, old_length);
    if (sign == 0) {
        return false;
    }
    const char *module = offer->prefix_length > 0 ? offer->prefix : offer->key;
    bool is_library = lagoon__is_library(module);
    return is_library == lagoon__is_library(old) ? sign < 0 : is_library;
}

// Gives the value on top a name, made of a prefix and what stands at an index, unless
// it has a better one.
static void offer(struct walk *w, const char *prefix, size_t prefix_length, int key)
{
    lua_State *L = w->L;
    struct offer offer = {.prefix = prefix, .prefix_length = prefix_length};
    offer.key = lua_tolstring(L, key, &offer.key_length);
    size_t old_length;
    lua_pushvalue(L, -1);
    lua_rawget(L, w->names);
    const char *old = lua_tolstring(L, -1, &old_length);
    bool is_welcome = old == NULL || is_better(&offer, old, old_length);
    lua_pop(L, 1);
    if (is_welcome) {
        lua_pushvalue(L, -1);
        lua_pushlstring(L, prefix, prefix_length);
        lua_pushvalue(L, key);
        lua_concat(L, 2);
        lua_rawset(L, w->names);
    }
}

// Pushes the name of the table on top, if it is a module.
static bool push_module_name(struct walk *w)
{
    size_t length;
    lua_pushvalue(w->L, -1);
    lua_rawget(w->L, w->names);
    const char *name = lua_tolstring(w->L, -1, &length);
    if (name != NULL && memchr(name, '\0', length) == NULL) {
        return true;
    }
    lua_pop(w->L, 1);
    return false;
}

// A key that can be part of a name.
static bool is_nameable(lua_State *L, int key)
{
    size_t length;
    const char *text =
        lua_type(L, key) == LUA_TSTRING ? lua_tolstring(L, key, &length) : NULL;
    return text != NULL && memchr(text, '\0', length) == NULL;
}

// -- the walk over modules --

// Whether another state could load the module, whose table is on top. What has that
// name already has been looked at before.
static bool is_loadable(struct walk *w, const char *module)
{
    if (push_module_name(w)) {
        bool is_known = strcmp(lua_tostring(w->L, -1), module) == 0;
        lua_pop(w->L, 1);
        if (is_known) {
            return true;
        }
    }
    return lagoon__is_library(module) ||
           lagoon__owner_of(&w->origin, module) == OWNER_SELF ||
           lagoon__file_of(&w->origin, module) != NULL;
}

// An entry of package.loaded: the module on top, below it its name.
static void look_at_module(struct walk *w)
{
    lua_State *L = w->L;
    const char *module = lua_tostring(L, -2);
    if (lua_isfunction(L, -1) && lagoon__is_own(&w->origin, module)) {
        offer(w, "", 0, lua_gettop(L) - 1);
    } else if (lua_istable(L, -1) && strcmp(module, "_G") != 0 &&
               !lua_rawequal(L, -1, w->loaded)) {
        if (is_loadable(w, module)) {
            offer(w, "", 0, lua_gettop(L) - 1);
            lagoon__filter_add(&w->s->names.modules, lua_topointer(L, -1));
        }
    } else if (lagoon__is_loading_mark(L)) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, w->s->refs.loading);
        lua_pushvalue(L, -3);
        lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
        lua_pop(L, 1);
        w->s->names.is_loading = true;
    }
}

static void hash_entry(lua_State *L, uint64_t *fingerprint)
{
    uint64_t key = (uint64_t)(uintptr_t)lua_topointer(L, -2);
    uint64_t value = (uint64_t)(uintptr_t)lua_topointer(L, -1);
    uint64_t hash = (key * UINT64_C(0x9e3779b97f4a7c15)) ^ value;
    *fingerprint += (hash ^ (hash >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
}

static void look_at_modules(struct walk *w)
{
    lua_State *L = w->L;
    struct naming *names = &w->s->names;
    uint64_t fingerprint = 0;
    names->is_loading = false;
    names->modules = (struct filter){0};
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, w->s->refs.loading);
    lua_pushnil(L);
    while (lua_next(L, w->loaded) != 0) {
        hash_entry(L, &fingerprint);
        if (is_nameable(L, lua_gettop(L) - 1)) {
            look_at_module(w);
        }
        lua_pop(L, 1);
    }
    names->fingerprint = fingerprint;
}

// -- the walk into them --

static bool is_seen(struct walk *w, int table)
{
    lua_pushvalue(w->L, table);
    lua_rawget(w->L, w->seen);
    bool is_it = lua_toboolean(w->L, -1);
    lua_pop(w->L, 1);
    return is_it;
}

// Marks the table on top, and pops it.
static void see(struct walk *w)
{
    lua_pushboolean(w->L, 1);
    lua_rawset(w->L, w->seen);
}

// Queues the table on top, under its name and a prefix.
static void enqueue(struct walk *w, const char *prefix, size_t length, int key)
{
    lua_State *L = w->L;
    lua_pushvalue(L, -1);
    lua_rawseti(L, w->queue, ++w->nqueued);
    lua_pushlstring(L, prefix, length);
    lua_pushvalue(L, key);
    lua_pushlstring(L, "", 1);
    lua_concat(L, 3);
    lua_rawseti(L, w->queue, ++w->nqueued);
    lua_pushvalue(L, -1);
    see(w);
}

// An entry of a module's table, or of one below: the value on top, below it its key.
static void look_at_entry(struct walk *w, const char *prefix, size_t length, int level)
{
    int key = lua_gettop(w->L) - 1;
    if (lua_isfunction(w->L, -1)) {
        if (lagoon__is_own(&w->origin, prefix)) {
            offer(w, prefix, length, key);
        }
    } else if (lua_istable(w->L, -1) && level < LEVELS_MAX && !is_seen(w, key + 1)) {
        if (push_module_name(w)) {
            lua_pop(w->L, 1);
            return; // it is in the queue by itself
        }
        if (lagoon__owner_of(&w->origin, prefix) == OWNER_SELF) {
            offer(w, prefix, length, key);
        }
        if (w->nqueued < QUEUE_MAX) {
            enqueue(w, prefix, length, key);
        }
    }
}

// Goes through the i-th table of the queue.
static void look_into(struct walk *w, int i, int level)
{
    lua_State *L = w->L;
    size_t length;
    int nlooked = 0;
    lua_rawgeti(L, w->queue, i + 1);
    const char *prefix = lua_tolstring(L, -1, &length); // the first part ends in a zero
    lua_rawgeti(L, w->queue, i);
    if (strcmp(prefix, "package") == 0) {
        level = LEVELS_MAX; // what is below has nothing to do with it
    }
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        if (is_nameable(L, lua_gettop(L) - 1)) {
            look_at_entry(w, prefix, length, level);
        }
        lua_pop(L, 1);
        if (++nlooked == LAGOON_ENTRIES_MAX) {
            lua_pop(L, 1);
            break;
        }
    }
    lua_pop(L, 2);
}

// Queues what is there from the beginning, and all modules.
static void enqueue_roots(struct walk *w)
{
    lua_State *L = w->L;
    lua_pushvalue(L, w->loaded);
    see(w);
    lua_pushliteral(L, "_G");
    lua_rawgeti(L, LUA_REGISTRYINDEX, w->s->refs.builtins);
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);
    if (lua_istable(L, -1)) {
        see(w);
    } else {
        lua_pop(L, 1);
    }
    enqueue(w, "", 0, lua_gettop(L) - 1);
    lua_pop(L, 2);
    lua_pushnil(L);
    while (lua_next(L, w->loaded) != 0) {
        if (lua_istable(L, -1) && !is_seen(w, lua_gettop(L)) && push_module_name(w)) {
            lua_insert(L, -2);
            enqueue(w, "", 0, lua_gettop(L) - 1);
            lua_remove(L, -2);
        }
        lua_pop(L, 1);
    }
}

static void look_into_modules(struct walk *w)
{
    enqueue_roots(w);
    int i = 1;
    for (int level = 0; level <= LEVELS_MAX; level++) {
        for (int last = w->nqueued; i < last; i += 2) {
            look_into(w, i, level);
        }
    }
}

// --

static int note_new(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lua_settop(L, 3);
    lua_rawset(L, 1);
    s->names.known = NAMES_NONE;
    s->names.is_touched = true;
    return 0;
}

// Has us told of new entries.
static void watch(struct walk *w)
{
    lua_State *L = w->L;
    if (lua_getmetatable(L, w->loaded)) {
        lua_pop(L, 1);
        return;
    }
    lua_createtable(L, 0, 1);
    lua_pushlightuserdata(L, w->s);
    lua_pushcclosure(L, note_new, 1);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, w->loaded);
}

// A finaliser that runs meanwhile may load something.
void lagoon__modules_walk(lua_State *L, struct script *s, enum names_known wanted)
{
    lagoon__check_room(L, LUA_MINSTACK, "no room to look at modules");
    int top = lua_gettop(L);
    struct walk w = {.L = L, .s = s};
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.names);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.loaded);
    lua_newtable(L);
    lua_newtable(L);
    lua_pushboolean(L, 0);
    w.names = top + 1;
    w.loaded = top + 2;
    w.queue = top + 3;
    w.seen = top + 4;
    w.origin = (struct origin){.L = L, .loaded = w.loaded, .file = top + 5};
    watch(&w);
    s->names.is_touched = false;
    if (s->names.known < NAMES_OF_MODULES) {
        look_at_modules(&w);
    }
    if (wanted == NAMES_OF_ALL) {
        look_into_modules(&w);
    }
    s->names.known = (uint8_t)(s->names.is_touched ? NAMES_NONE : wanted);
    lua_settop(L, top);
}

bool lagoon__modules_loaded(lua_State *L, struct script *s)
{
    lagoon__check_room(L, 4, "no room to look at modules");
    bool is_over = false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.loaded);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.loading);
    int n = (int)lua_objlen(L, -1);
    for (int i = 1; i <= n && !is_over; i++) {
        lua_rawgeti(L, -1, i);
        lua_rawget(L, -3);
        is_over = !lagoon__is_loading_mark(L);
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
    return is_over;
}

bool lagoon__modules_changed(lua_State *L, struct script *s)
{
    lagoon__check_room(L, 4, "no room to look at modules");
    uint64_t fingerprint = 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.loaded);
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        hash_entry(L, &fingerprint);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return fingerprint != s->names.fingerprint;
}
