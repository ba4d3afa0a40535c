// SPDX-License-Identifier: MIT
#include "code.h"

#include <lauxlib.h>
#include <luajit.h>
#include <string.h>

#include "chunk.h"
#include "fail.h"
#include "recipe.h"
#include "state.h"

enum {
    KNOWN_SLOTS = 256, // functions whose code was asked for lately
    WARM_SETS = 64,    // codes that closures were made of lately
    WARM_WAYS = 4,
    WARM_SLOTS = WARM_SETS * WARM_WAYS,
};

// Where the table of what is kept has what.
enum {
    KEPT_KNOWN = 1,
    KEPT_WARM = KEPT_KNOWN + KNOWN_SLOTS,
    KEPT_MAKERS = KEPT_WARM + WARM_SLOTS
};

// The userdata of a code. Its environment has what makes closures, which lives as long.
struct code_object {
    struct object object;
    bool has_maker;
    uint8_t nmade; // closures; 2: or more
};

struct known {
    const void *function; // may be dead: see the weak table
    struct code_object *object;
};

struct warm {
    struct shared *code;
    struct code_object *object;
};

// A state's, in its registry. What stands in these arrays is kept alive by userdata
// in a table at the same places.
struct code_cache {
    struct chunks chunks;
    int functions; // weak table, as `known`: whether the function is alive
    int kept;      // table
    int dumps;     // weak table: dump -> userdata
    struct known known[KNOWN_SLOTS];
    struct warm warm[WARM_SLOTS];
    uint8_t oldest[WARM_SETS]; // the way to be replaced next
};

static int finalise(lua_State *L)
{
    struct code_cache *cache = lua_touserdata(L, 1);
    lagoon__chunks_fini(&cache->chunks);
    return 0;
}

static int new_table(lua_State *L, int narray, const char *mode)
{
    lua_createtable(L, narray, 0);
    if (mode != NULL) {
        lua_createtable(L, 0, 1);
        lua_pushstring(L, mode);
        lua_setfield(L, -2, "__mode");
        lua_setmetatable(L, -2);
    }
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

// The state's cache, made when it is first asked for. Raises.
static struct code_cache *cache_of(lua_State *L, struct script *s)
{
    if (s->codes != NULL) {
        return s->codes;
    }
    lagoon__check_room(L, 4, "no room for a function");
    struct code_cache *cache = lua_newuserdata(L, sizeof *cache);
    memset(cache, 0, sizeof *cache);
    cache->chunks.script = s;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, finalise);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    luaL_ref(L, LUA_REGISTRYINDEX);
    cache->functions = new_table(L, KNOWN_SLOTS, "v");
    cache->kept = new_table(L, KEPT_MAKERS + WARM_SLOTS, NULL);
    cache->dumps = new_table(L, 0, "v");
    s->codes = cache;
    return cache;
}

static const struct recipe *recipe_of(const struct shared *shared)
{
    return shared->data;
}

int lagoon__code_nups(const struct shared *shared)
{
    return recipe_of(shared)->nups;
}

const char *lagoon__code_global(const struct shared *shared, size_t i, size_t *out_length)
{
    const struct recipe *recipe = recipe_of(shared);
    if (i >= recipe->nglobals) {
        return NULL;
    }
    *out_length = recipe->globals[i].length;
    return (const char *)recipe + recipe->globals[i].offset;
}

static uint32_t hash_of(const void *ptr)
{
    return (uint32_t)((uintptr_t)ptr >> 4) * UINT32_C(0x9e3779b1);
}

// -- from functions to codes --

// The code of a userdata. NULL: it has been finalised, in a state that is being closed.
static struct shared *code_of(const struct code_object *object)
{
    return lagoon__shared_of(&object->object);
}

// Pushes the userdata that stands for a dump, which is on top; or nil.
static void push_by_dump(lua_State *L, struct code_cache *cache)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, cache->dumps);
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (lua_isuserdata(L, -1) && code_of(lua_touserdata(L, -1)) == NULL) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
}

// Has the dump at an index stand for the code on top.
static void note_dump(lua_State *L, struct code_cache *cache, int dump)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, cache->dumps);
    lua_pushvalue(L, dump);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

// Keeps what is on top at a place, and pops it.
static void keep(lua_State *L, struct code_cache *cache, int place)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, cache->kept);
    lua_insert(L, -2);
    lua_rawseti(L, -2, place);
    lua_pop(L, 1);
}

// Remembers the code on top as that of a function; pops it.
static struct shared *remember(lua_State *L, struct code_cache *cache, int function,
                               uint32_t slot)
{
    struct code_object *object = lua_touserdata(L, -1);
    cache->known[slot].function = NULL; // should keeping raise
    keep(L, cache, KEPT_KNOWN + (int)slot);
    lua_rawgeti(L, LUA_REGISTRYINDEX, cache->functions);
    lua_pushvalue(L, function);
    lua_rawseti(L, -2, (int)slot + 1);
    lua_pop(L, 1);
    cache->known[slot] = (struct known){lua_topointer(L, function), object};
    return code_of(object);
}

// Pushes the userdata of a new code of a function, whose dump is on top.
static void push_new_code(lua_State *L, struct code_cache *cache, int function)
{
    struct recipe *recipe = lagoon__recipe_push(L, &cache->chunks, function);
    struct shared *shared;
    lagoon__shared_new(L, cache->chunks.script, KIND_CODE, &shared);
    lagoon__gc_set(&shared->data, recipe);
}

static struct shared *find_code(lua_State *L, struct code_cache *cache, int function,
                                uint32_t slot)
{
    lagoon__check_room(L, 24, "no room to send a function");
    if (!lua_isfunction(L, function) || lua_iscfunction(L, function)) {
        lagoon__raise(L, "cannot send a C function to another Lua state");
    }
    lagoon__rt(L, cache->chunks.script);
    int top = lua_gettop(L);
    lagoon__chunks_learn(L, &cache->chunks);
    if (!cache->chunks.is_understood) {
        lagoon__raise(L, "cannot send a function: this LuaJIT's bytecode is unknown");
    }
    lua_pushvalue(L, function);
    lagoon__chunk_push_dump(L, &cache->chunks);
    push_by_dump(L, cache);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        int dump = lua_gettop(L);
        push_new_code(L, cache, function);
        note_dump(L, cache, dump);
    }
    struct shared *shared = remember(L, cache, function, slot);
    lua_settop(L, top);
    return shared;
}

// The address of a dead function may be another's by now, which the weak table tells.
static bool is_alive(lua_State *L, struct code_cache *cache, uint32_t slot)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, cache->functions);
    lua_rawgeti(L, -1, (int)slot + 1);
    bool is_same = lua_topointer(L, -1) == cache->known[slot].function;
    lua_pop(L, 2);
    return is_same;
}

struct shared *lagoon__code(lua_State *L, struct script *s, int index)
{
    struct code_cache *cache = cache_of(L, s);
    const void *function = lua_topointer(L, index);
    uint32_t slot = hash_of(function) >> 24;
    bool is_known = function != NULL && cache->known[slot].function == function;
    if (is_known && is_alive(L, cache, slot) && code_of(cache->known[slot].object)) {
        return code_of(cache->known[slot].object);
    }
    index = index > 0 ? index : lua_gettop(L) + 1 + index;
    return find_code(L, cache, index, slot);
}

// -- from codes to closures --

// setmode(function, mode)
static int set_mode(lua_State *L)
{
    luaJIT_setmode(L, 1, LUAJIT_MODE_FUNC | (int)lua_tointeger(L, 2));
    return 0;
}

// Tells LuaJIT how to compile the function on top. It refuses in finalisers, which only
// costs time.
static void try_set_mode(lua_State *L, int mode)
{
    lua_pushcfunction(L, set_mode);
    lua_pushvalue(L, -2);
    lua_pushinteger(L, mode);
    if (lua_pcall(L, 2, 0, 0) != 0) {
        lua_pop(L, 1);
    }
}

// Has the closure on top be found by its dump; pops it. `code` is its code's userdata.
static void note_closure(lua_State *L, struct code_cache *cache, int code)
{
    lagoon__chunk_push_dump(L, &cache->chunks);
    push_by_dump(L, cache);
    if (lua_isnil(L, -1)) {
        lua_pushvalue(L, code);
        note_dump(L, cache, lua_gettop(L) - 2);
        lua_pop(L, 1);
    }
    lua_pop(L, 3);
}

// Pushes what makes closures of the code whose userdata is on top.
static void push_maker(lua_State *L, struct code_cache *cache, struct shared *shared)
{
    int userdata = lua_gettop(L);
    struct code_object *object = lua_touserdata(L, userdata);
    if (object->has_maker) {
        lua_getfenv(L, userdata);
        lua_rawgeti(L, -1, 1);
        lua_remove(L, -2);
        return;
    }
    lagoon__chunk_load(L, lagoon__recipe_chunk(recipe_of(shared)));
    try_set_mode(L, LUAJIT_MODE_OFF); // it cannot be compiled
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, -1);
    lua_setfenv(L, -3); // not what L has: that goroutine may end soon
    lua_setfenv(L, userdata);
    object->has_maker = true;
    lua_pushvalue(L, -1);
    lua_call(L, 0, 1);
    note_closure(L, cache, userdata);
}

static uint32_t find_warm(const struct code_cache *cache, const struct shared *shared,
                          uint32_t set)
{
    for (uint32_t way = 0; way < WARM_WAYS; way++) {
        const struct warm *warm = &cache->warm[set * WARM_WAYS + way];
        if (warm->code == shared && code_of(warm->object) == shared) {
            return set * WARM_WAYS + way;
        }
    }
    return WARM_SLOTS;
}

// Keeps a code and what makes its closures, in place of the oldest of its set.
static uint32_t warm_up(lua_State *L, struct code_cache *cache, struct shared *shared,
                        uint32_t set)
{
    int top = lua_gettop(L);
    lagoon__check_room(L, 24, "no room to make a function");
    lagoon__push_shared(L, cache->chunks.script, shared);
    push_maker(L, cache, shared);
    struct code_object *object = lua_touserdata(L, -2);
    uint32_t slot = set * WARM_WAYS + cache->oldest[set];
    cache->oldest[set] = (uint8_t)((cache->oldest[set] + 1) % WARM_WAYS);
    cache->warm[slot].code = NULL; // should keeping raise
    keep(L, cache, KEPT_MAKERS + (int)slot);
    keep(L, cache, KEPT_WARM + (int)slot);
    cache->warm[slot] = (struct warm){shared, object};
    lua_settop(L, top);
    return slot;
}

// LuaJIT takes captured variables for constants, and so compiles for one closure only,
// until it has seen three closures of a prototype. That is best for a closure that stays
// alone. At the second, what is on top, which makes them, has it go on to the other way:
// from here on they share what is compiled.
static void begin_to_share(lua_State *L)
{
    lua_pushvalue(L, -1);
    lua_call(L, 0, 1);
    try_set_mode(L, LUAJIT_MODE_FLUSH);
    lua_pop(L, 1);
}

static void make_closure(lua_State *L, struct code_cache *cache, struct shared *shared)
{
    uint32_t set = hash_of(shared) >> 26;
    uint32_t slot = find_warm(cache, shared, set);
    if (slot == WARM_SLOTS) {
        slot = warm_up(L, cache, shared, set);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, cache->kept);
    lua_rawgeti(L, -1, KEPT_MAKERS + (int)slot);
    lua_remove(L, -2);
    struct code_object *object = cache->warm[slot].object;
    if (object->nmade < 2 && ++object->nmade == 2) {
        begin_to_share(L);
    }
    lua_call(L, 0, 1);
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    lua_setfenv(L, -2);
}

void lagoon__push_closure(lua_State *L, struct script *s, struct shared *shared)
{
    const struct recipe *recipe = recipe_of(shared);
    lagoon__check_room(L, 8, "no room to make a function");
    if (recipe->is_maker) {
        make_closure(L, cache_of(L, s), shared);
    } else {
        lagoon__chunk_load(L, lagoon__recipe_chunk(recipe));
    }
}

// -- opening --

const struct share_ops lagoon__code_ops = {.size_bytes = sizeof(struct code_object)};

void lagoon__code_init(lua_State *L, struct script *s)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.classes[KIND_CODE]);
    lua_pushcfunction(L, lagoon__shared_finalise);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
