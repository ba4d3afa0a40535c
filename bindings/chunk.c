// SPDX-License-Identifier: MIT
#include "chunk.h"

#include <lauxlib.h>
#include <string.h>

#include "fail.h"
#include "state.h"

void lagoon__chunks_fini(struct chunks *chunks)
{
    lagoon__realloc(chunks->script, chunks->dump, chunks->dump_cap, 0);
    chunks->dump = NULL;
    chunks->dump_cap = 0;
}

// -- dumps --

static int append(lua_State *L, const void *bytes, size_t size, void *ud)
{
    struct chunks *chunks = ud;
    size_t need = chunks->dump_size + size;
    (void)L;
    if (need > chunks->dump_cap) {
        size_t cap = need < 1024 ? 2048 : need * 2;
        char *bigger =
            lagoon__realloc(chunks->script, chunks->dump, chunks->dump_cap, cap);
        if (bigger == NULL) {
            return 1;
        }
        chunks->dump = bigger;
        chunks->dump_cap = cap;
    }
    memcpy(chunks->dump + chunks->dump_size, bytes, size);
    chunks->dump_size = need;
    return 0;
}

void lagoon__chunk_push_dump(lua_State *L, struct chunks *chunks)
{
    chunks->dump_size = 0;
    if (lua_dump(L, append, chunks) != 0) {
        lagoon__raise_memory(L);
    }
    lua_pushlstring(L, chunks->dump, chunks->dump_size);
}

struct bytes lagoon__chunk_at(lua_State *L, int index)
{
    struct bytes span;
    span.at = (const uint8_t *)lua_tolstring(L, index, &span.size);
    return span;
}

struct bytecode *lagoon__chunk_push_bytecode(lua_State *L)
{
    struct bytes dump = lagoon__chunk_at(L, -1);
    size_t size_bytes = lagoon__bytecode_size(dump);
    struct bytecode *bytecode = lua_newuserdata(L, size_bytes);
    return size_bytes != 0 && lagoon__bytecode_read(dump, bytecode) ? bytecode : NULL;
}

// -- chunks --

// Pushes "u1,u2,...".
static void push_names(lua_State *L, int n)
{
    lagoon__check_room(L, n, "too many captured variables");
    for (int i = 1; i <= n; i++) {
        lua_pushfstring(L, i == 1 ? "u%d" : ",u%d", i);
    }
    lua_concat(L, n);
}

void lagoon__chunk_load(lua_State *L, struct bytes chunk)
{
    if (luaL_loadbuffer(L, (const char *)chunk.at, chunk.size, "=(load)") != 0) {
        lua_error(L);
    }
}

// Pushes the function that lagoon__bytecode_splice() wants a dump of.
static void push_empty_maker(lua_State *L, int nups)
{
    if (nups == 0) {
        lua_pushliteral(L, "return function() end");
    } else {
        push_names(L, nups);
        const char *names = lua_tostring(L, -1);
        lua_pushfstring(L, "local %s\nreturn function() return %s end", names, names);
        lua_remove(L, -2);
    }
    lagoon__chunk_load(L, lagoon__chunk_at(L, -1));
    lua_remove(L, -2);
}

bool lagoon__chunk_push_maker(lua_State *L, struct chunks *chunks,
                              const struct bytecode *user)
{
    int top = lua_gettop(L);
    push_empty_maker(L, (int)lagoon__bytecode_last(user)->nupvalues);
    lagoon__chunk_push_dump(L, chunks);
    const struct bytecode *maker = lagoon__chunk_push_bytecode(L);
    if (maker != NULL) {
        uint8_t *out = lua_newuserdata(L, user->dump.size + maker->dump.size);
        size_t size = lagoon__bytecode_splice(user, maker, out);
        if (size != 0) {
            lua_pushlstring(L, (const char *)out, size);
            lua_replace(L, top + 1);
            lua_settop(L, top + 1);
            return true;
        }
    }
    lua_settop(L, top);
    return false;
}

// -- learning --

static bool learn(lua_State *L, struct chunks *chunks)
{
    lua_pushstring(L, lagoon__opcodes_lesson);
    lagoon__chunk_load(L, lagoon__chunk_at(L, -1));
    lagoon__chunk_push_dump(L, chunks);
    struct bytecode *lesson = lagoon__chunk_push_bytecode(L);
    return lesson != NULL && lagoon__opcodes_learn(lesson, &chunks->opcodes);
}

// Whether two closures at the top are what was asked for: with variables of their own.
static bool are_apart(lua_State *L)
{
    lua_pushliteral(L, "mine");
    const char *name = lua_setupvalue(L, -2, 2);
    bool is_named = name != NULL && strcmp(name, "u2") == 0;
    bool is_apart = is_named && lua_getupvalue(L, -2, 2) != NULL && lua_isnil(L, -1);
    if (!is_apart) {
        return false;
    }
    lua_pop(L, 1);
    lua_call(L, 0, 2);
    return lua_isnil(L, -2) && lua_isstring(L, -1);
}

// try_splice(chunks): makes makers from a maker.
static int try_splice(lua_State *L)
{
    struct chunks *chunks = lua_touserdata(L, 1);
    push_empty_maker(L, 2);
    lua_call(L, 0, 1);
    lagoon__chunk_push_dump(L, chunks);
    const struct bytecode *user = lagoon__chunk_push_bytecode(L);
    if (user == NULL || !lagoon__chunk_push_maker(L, chunks, user)) {
        return 0;
    }
    lagoon__chunk_load(L, lagoon__chunk_at(L, -1));
    lua_pushvalue(L, -1);
    lua_call(L, 0, 1);
    lua_insert(L, -2);
    lua_call(L, 0, 1);
    lua_pushboolean(L, are_apart(L));
    return 1;
}

void lagoon__chunks_learn(lua_State *L, struct chunks *chunks)
{
    if (chunks->has_learnt) {
        return;
    }
    int top = lua_gettop(L);
    chunks->is_understood = learn(L, chunks);
    chunks->can_splice = false;
    lua_settop(L, top);
    lua_pushcfunction(L, try_splice);
    lua_pushlightuserdata(L, chunks);
    int err = chunks->is_understood ? lua_pcall(L, 1, 1, 0) : LUA_ERRRUN;
    if (err == LUA_ERRMEM) {
        lua_error(L);
    }
    chunks->can_splice = err == 0 && lua_toboolean(L, -1);
    chunks->has_learnt = true;
    lua_settop(L, top);
}
