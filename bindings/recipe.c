// SPDX-License-Identifier: MIT
#include "recipe.h"

#include <stdio.h>
#include <string.h>

#include "chunk.h"
#include "fail.h"
#include "state.h"

static void refuse_assignment(lua_State *L, int index, struct bytecode *bytecode,
                              const struct opcodes *opcodes)
{
    struct assignment found;
    if (!lagoon__opcodes_assigns(bytecode, opcodes, &found)) {
        return;
    }
    lua_Debug ar;
    lua_pushvalue(L, index);
    lua_getinfo(L, ">S", &ar);
    char line[16] = "";
    if (found.line != 0) {
        snprintf(line, sizeof line, ":%u", found.line);
    }
    lagoon__raise(L,
                  "cannot send a function that assigns the captured variable '%.*s' "
                  "(%s%s) to another Lua state",
                  found.name.size ? (int)found.name.size : 1,
                  found.name.size ? (const char *)found.name.at : "?", ar.short_src,
                  line);
}

struct name_list {
    lua_State *L; // with a table on top: the names in their order, and which there are
    uint32_t n;
    size_t size; // of their text, with a zero behind each
};

static void note_global(void *ud, struct bytes name)
{
    struct name_list *names = ud;
    lua_State *L = names->L;
    lua_pushlstring(L, (const char *)name.at, name.size);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    if (!lua_isnil(L, -1)) {
        lua_pop(L, 2);
        return;
    }
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, (int)++names->n);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    names->size += name.size + 1;
}

// The table of names is at index.
static void write_names(lua_State *L, int index, struct recipe *recipe, char *at)
{
    for (uint32_t i = 0; i < recipe->nglobals; i++) {
        lua_rawgeti(L, index, (int)i + 1);
        struct bytes name = lagoon__chunk_at(L, -1);
        memcpy(at, name.at, name.size + 1);
        recipe->globals[i] =
            (struct recipe_name){(uint32_t)(at - (char *)recipe), (uint32_t)name.size};
        at += name.size + 1;
        lua_pop(L, 1);
    }
}

struct recipe *lagoon__recipe_push(lua_State *L, struct chunks *chunks, int function)
{
    struct script *s = chunks->script;
    struct bytes chunk = lagoon__chunk_at(L, -1);
    struct bytecode *bytecode = lagoon__chunk_push_bytecode(L);
    if (bytecode == NULL) {
        lagoon__raise(L, "cannot send a function: its bytecode is not understood");
    }
    refuse_assignment(L, function, bytecode, &chunks->opcodes);
    bool is_maker = chunks->can_splice && lagoon__chunk_push_maker(L, chunks, bytecode);
    if (is_maker) {
        chunk = lagoon__chunk_at(L, -1);
    }
    struct name_list names = {.L = L};
    lua_newtable(L);
    lagoon__opcodes_globals(bytecode, &chunks->opcodes, note_global, &names);
    int names_at = lua_gettop(L);

    size_t text_offset = sizeof(struct recipe) + names.n * sizeof(struct recipe_name);
    size_t chunk_offset = text_offset + names.size;
    struct recipe *recipe =
        lagoon__gc_new_kept(L, s, s->types.bytes, chunk_offset + chunk.size);
    recipe->nups = (int)lagoon__bytecode_last(bytecode)->nupvalues;
    recipe->nglobals = names.n;
    recipe->is_maker = is_maker;
    recipe->chunk_offset = chunk_offset;
    recipe->chunk_size = chunk.size;
    write_names(L, names_at, recipe, (char *)recipe + text_offset);
    memcpy((char *)recipe + chunk_offset, chunk.at, chunk.size);
    return recipe;
}
