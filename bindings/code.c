// SPDX-License-Identifier: MIT
#include "code.h"

#include <lauxlib.h>
#include <luajit.h>
#include <string.h>

#include "bytecode.h"
#include "fail.h"
#include "opcodes.h"
#include "state.h"

enum {
    KNOWN_SLOTS = 256, // functions whose code was asked for lately
    WARM_SETS = 64,    // codes that closures were made of lately
    WARM_WAYS = 4,
    WARM_SLOTS = WARM_SETS * WARM_WAYS,
};

// Where the table of what is kept has what.
enum { KEPT_KNOWN = 1, KEPT_WARM = KEPT_KNOWN + KNOWN_SLOTS, KEPT_MAKERS = KEPT_WARM + WARM_SLOTS };

static const char not_understood[] = "cannot send a function: its bytecode is not understood";

struct code_name {
    uint32_t offset; // from the code's begin
    uint32_t length;
};

// The bytes that the shared object refers to; the names' text and the chunk follow.
struct code {
    int nups;
    uint32_t nglobals;
    bool is_maker; // the chunk makes closures; or it is a closure itself
    size_t chunk_offset;
    size_t chunk_size;
    struct code_name globals[];
};

struct known {
    const void *function; // may be dead: see the weak table
    struct shared *code;
};

// A state's, in its registry. What stands in these arrays is kept alive by userdata
// in a table at the same places.
struct code_cache {
    struct script *script;
    bool has_learnt;
    bool is_understood;
    bool can_splice;
    struct opcodes opcodes;
    int functions; // weak table, as `known`: whether the function is alive
    int kept;      // table
    int dumps;     // weak table: dump -> userdata
    char *dump;    // memory for dumps
    size_t dump_size;
    size_t dump_cap;
    struct known known[KNOWN_SLOTS];
    struct shared *warm[WARM_SLOTS];
    uint8_t coldest[WARM_SETS];
};

static const struct code *code_of(const struct shared *shared)
{
    return shared->data;
}

int lagoon__code_nups(const struct shared *shared)
{
    return code_of(shared)->nups;
}

const char *lagoon__code_global(const struct shared *shared, size_t i, size_t *out_length)
{
    const struct code *code = code_of(shared);
    if (i >= code->nglobals) {
        return NULL;
    }
    *out_length = code->globals[i].length;
    return (const char *)code + code->globals[i].offset;
}

static uint32_t hash_of(const void *ptr)
{
    return (uint32_t)((uintptr_t)ptr >> 4) * UINT32_C(0x9e3779b1);
}

// -- dumps --

static int append(lua_State *L, const void *bytes, size_t size, void *ud)
{
    struct code_cache *cache = ud;
    size_t need = cache->dump_size + size;
    (void)L;
    if (need > cache->dump_cap) {
        size_t cap = need < 1024 ? 2048 : need * 2;
        char *bigger = lagoon__realloc(cache->script, cache->dump, cache->dump_cap, cap);
        if (bigger == NULL) {
            return 1;
        }
        cache->dump = bigger;
        cache->dump_cap = cap;
    }
    memcpy(cache->dump + cache->dump_size, bytes, size);
    cache->dump_size = need;
    return 0;
}

// Pushes the dump of the Lua function on top.
static void push_dump(lua_State *L, struct code_cache *cache)
{
    cache->dump_size = 0;
    if (lua_dump(L, append, cache) != 0) {
        lagoon__raise_memory(L);
    }
    lua_pushlstring(L, cache->dump, cache->dump_size);
}

static struct span span_at(lua_State *L, int index)
{
    struct span span;
    span.at = (const uint8_t *)lua_tolstring(L, index, &span.size);
    return span;
}

// Pushes what is read from the dump on top; NULL: it is not understood.
static struct bytecode *push_bytecode(lua_State *L)
{
    struct span dump = span_at(L, -1);
    size_t size_bytes = lagoon__bytecode_size(dump);
    struct bytecode *bytecode = lua_newuserdata(L, size_bytes);
    return size_bytes != 0 && lagoon__bytecode_read(dump, bytecode) ? bytecode : NULL;
}

// -- makers --

static void push_names(lua_State *L, int n)
{
    luaL_checkstack(L, n, "too many captured variables");
    for (int i = 1; i <= n; i++) {
        lua_pushfstring(L, i == 1 ? "u%d" : ",u%d", i);
    }
    lua_concat(L, n);
}

// Pushes the function that lagoon__bytecode_splice() wants a dump of.
static void push_plain_maker(lua_State *L, int n)
{
    if (n == 0) {
        lua_pushliteral(L, "return function() end");
    } else {
        push_names(L, n);
        const char *names = lua_tostring(L, -1);
        lua_pushfstring(L, "local %s\nreturn function() return %s end", names, names);
        lua_remove(L, -2);
    }
    struct span text = span_at(L, -1);
    if (luaL_loadbuffer(L, (const char *)text.at, text.size, "=maker") != 0) {
        lua_error(L);
    }
    lua_remove(L, -2);
}

// Pushes the dump of a maker of closures; false: it could not be made, and what is
// pushed is nothing.
static bool push_maker_dump(lua_State *L, struct code_cache *cache,
                            const struct bytecode *user)
{
    int top = lua_gettop(L);
    push_plain_maker(L, (int)lagoon__bytecode_last(user)->nupvalues);
    push_dump(L, cache);
    const struct bytecode *maker = push_bytecode(L);
    size_t size_bytes = 0;
    if (maker != NULL) {
        uint8_t *out = lua_newuserdata(L, user->dump.size + maker->dump.size);
        size_bytes = lagoon__bytecode_splice(user, maker, out);
        lua_pushlstring(L, (const char *)out, size_bytes);
        lua_replace(L, top + 1);
    }
    lua_settop(L, top + (size_bytes != 0));
    return size_bytes != 0;
}
