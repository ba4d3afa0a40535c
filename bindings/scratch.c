// SPDX-License-Identifier: MIT
#include "scratch.h"

#include <lauxlib.h>
#include <string.h>

#include "fail.h"
#include "state.h"

static const size_t LARGE_BYTES = 1024 * 1024;
static const uint32_t NODES_MAX = UINT32_C(1) << 30; // the map's size is a uint32_t

enum { FIRST_TEXT = 1024, FIRST_NODES = 64, FIRST_MAP = 256, FIRST_REFS = 16 };

// -- memory --

static void resize(struct scratch *scratch, void *array, size_t size, uint32_t old_n,
                   uint32_t new_n, void **out)
{
    *out = lagoon__realloc(scratch->s, array, old_n * size, new_n * size);
}

static void free_all(struct scratch *scratch)
{
    void *none;
    lagoon__realloc(scratch->s, scratch->text, scratch->text_cap, 0);
    resize(scratch, scratch->nodes, sizeof(struct node), scratch->nodes_cap, 0, &none);
    resize(scratch, scratch->map, sizeof(struct entry), scratch->map_cap, 0, &none);
    resize(scratch, scratch->refs, sizeof(uint32_t), scratch->refs_cap, 0, &none);
    *scratch = (struct scratch){.s = scratch->s};
}

static size_t size_of(const struct scratch *scratch)
{
    return scratch->text_cap + scratch->nodes_cap * sizeof(struct node) +
           scratch->map_cap * sizeof(struct entry);
}

bool lagoon__scratch_grow_text(struct scratch *scratch, size_t n)
{
    size_t cap = scratch->text_cap ? scratch->text_cap : FIRST_TEXT;
    while (cap < n) {
        cap += cap < 64 * LARGE_BYTES ? cap : cap / 2;
    }
    void *text = lagoon__realloc(scratch->s, scratch->text, scratch->text_cap, cap);
    if (text == NULL) {
        return false;
    }
    scratch->text = text;
    scratch->text_cap = cap;
    return true;
}

// -- its userdata --

static int finalise(lua_State *L)
{
    struct scratch *scratch = lua_touserdata(L, 1);
    free_all(scratch);
    if (scratch->s->scratch == scratch) {
        scratch->s->scratch = NULL;
    }
    return 0;
}

// Pushes a new one, which is the state's from here on.
static struct scratch *make(lua_State *L, struct script *s)
{
    static const char class[] = "lagoon.scratch";
    struct scratch *scratch = lua_newuserdata(L, sizeof *scratch);
    *scratch = (struct scratch){.s = s};
    if (luaL_newmetatable(L, class)) {
        lua_pushcfunction(L, finalise);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX, s->refs.scratch);
    s->scratch = scratch;
    return scratch;
}

// -- nodes --

static size_t hash(const void *key, uint32_t space)
{
    // Objects are at multiples of 8; the product spreads the rest upwards.
    uint64_t bits = ((uint64_t)(uintptr_t)key >> 3) + ((uint64_t)space << 48);
    return (size_t)(bits * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

struct entry *lagoon__scratch_find(struct scratch *scratch, const void *key,
                                   uint32_t space)
{
    size_t mask = scratch->map_cap - 1;
    for (size_t i = hash(key, space) & mask;; i = (i + 1) & mask) {
        struct entry *entry = &scratch->map[i];
        if (entry->generation != scratch->generation ||
            (entry->key == key && scratch->nodes[entry->node].space == space)) {
            return entry;
        }
    }
}

// All entries move: a generation that has ended leaves holes.
static bool grow_map(struct scratch *scratch)
{
    uint32_t cap = scratch->map_cap ? scratch->map_cap * 2 : FIRST_MAP;
    struct scratch old = *scratch;
    void *map;
    resize(scratch, NULL, sizeof(struct entry), 0, cap, &map);
    if (map == NULL) {
        return false;
    }
    memset(map, 0, cap * sizeof(struct entry));
    scratch->map = map;
    scratch->map_cap = cap;
    for (uint32_t i = 0; i < old.map_cap; i++) {
        struct entry entry = old.map[i];
        if (entry.generation == old.generation) {
            *lagoon__scratch_find(scratch, entry.key, scratch->nodes[entry.node].space) =
                entry;
        }
    }
    resize(scratch, old.map, sizeof(struct entry), old.map_cap, 0, &map);
    return true;
}

static bool grow_nodes(struct scratch *scratch)
{
    if (scratch->nodes_cap >= NODES_MAX) {
        return false;
    }
    uint32_t cap = scratch->nodes_cap ? scratch->nodes_cap * 2 : FIRST_NODES;
    void *nodes;
    resize(scratch, scratch->nodes, sizeof(struct node), scratch->nodes_cap, cap, &nodes);
    if (nodes == NULL) {
        return false;
    }
    scratch->nodes = nodes;
    scratch->nodes_cap = cap;
    return true;
}

struct node *lagoon__scratch_insert(struct scratch *scratch, const void *key,
                                    uint32_t space)
{
    if (scratch->nnodes == scratch->nodes_cap && !grow_nodes(scratch)) {
        return NULL;
    }
    if (scratch->nnodes >= scratch->map_cap / 2 && !grow_map(scratch)) {
        return NULL;
    }
    struct entry *entry = lagoon__scratch_find(scratch, key, space);
    *entry = (struct entry){key, scratch->generation, scratch->nnodes};
    struct node *node = &scratch->nodes[scratch->nnodes++];
    *node = (struct node){.space = space};
    return node;
}

bool lagoon__scratch_refer(struct scratch *scratch, struct node *node)
{
    if (scratch->nrefs == scratch->refs_cap) {
        uint32_t cap = scratch->refs_cap ? scratch->refs_cap * 2 : FIRST_REFS;
        void *refs;
        resize(scratch, scratch->refs, sizeof(uint32_t), scratch->refs_cap, cap, &refs);
        if (refs == NULL) {
            return false;
        }
        scratch->refs = refs;
        scratch->refs_cap = cap;
    }
    node->number = scratch->nrefs;
    scratch->refs[scratch->nrefs++] = (uint32_t)(node - scratch->nodes);
    return true;
}

// -- take and put --

static void clear(struct scratch *scratch)
{
    if (++scratch->generation == 0) {
        memset(scratch->map, 0, scratch->map_cap * sizeof *scratch->map);
        scratch->generation = 1;
    }
    scratch->nnodes = 0;
    scratch->nrefs = 0;
}

struct scratch *lagoon__scratch_take(lua_State *L, struct script *s)
{
    struct scratch *scratch = s->scratch;
    if (scratch == NULL || scratch->is_taken) {
        scratch = make(L, s);
    } else {
        lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.scratch);
    }
    if ((scratch->map_cap == 0 && !grow_map(scratch)) ||
        (scratch->text_cap == 0 && !lagoon__scratch_grow_text(scratch, FIRST_TEXT))) {
        lagoon__raise_memory(L);
    }
    scratch->is_taken = true;
    clear(scratch);
    return scratch;
}

void lagoon__scratch_put(struct scratch *scratch)
{
    scratch->is_taken = false;
    if (size_of(scratch) > LARGE_BYTES) {
        free_all(scratch);
    }
}
