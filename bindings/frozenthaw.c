// SPDX-License-Identifier: MIT
//
// Thawing: a plain deep copy in tables of the state. As freezing, level by level.
#include <lauxlib.h>

#include "fail.h"
#include "frozen.h"
#include "frozennode.h"
#include "state.h"

enum { ROOM = 16, HINT_MAX = 1 << 24 };

// Where things stand on the stack of L.
enum {
    FROZEN = 1, // keeps all nodes alive
    TABLES,     // light userdata of a node -> its table
    QUEUE,      // list: light userdata of the nodes
    TABLE,      // that is being filled
};

struct thaw {
    lua_State *L;
    struct script *s;
    int nqueued;
};

static int hint(size_t n)
{
    return n < HINT_MAX ? (int)n : HINT_MAX;
}

// Pushes the table of a node, which is filled when its turn comes.
static void push_table(struct thaw *thaw, struct shared *node)
{
    lua_State *L = thaw->L;
    lua_pushlightuserdata(L, node);
    lua_rawget(L, TABLES);
    if (lua_istable(L, -1)) {
        return;
    }
    lua_pop(L, 1);
    struct frozen_view view = lagoon__frozen_view(node);
    lua_createtable(L, hint(view.narray), hint(view.nentries));
    lua_pushlightuserdata(L, node);
    lua_pushvalue(L, -2);
    lua_rawset(L, TABLES);
    lua_pushlightuserdata(L, node);
    lua_rawseti(L, QUEUE, ++thaw->nqueued);
}

static void push(struct thaw *thaw, const struct value *value)
{
    struct shared *shared = value->tag == VALUE_SHARED ? value->ptr : NULL;
    if (shared != NULL && shared->kind == KIND_FROZEN) {
        push_table(thaw, shared);
    } else {
        lagoon__frozen_push(thaw->L, thaw->s, value);
    }
}

static void fill(struct thaw *thaw, struct shared *node)
{
    lua_State *L = thaw->L;
    struct frozen_view view = lagoon__frozen_view(node);
    for (size_t i = 0; i < view.narray; i++) {
        push(thaw, &view.cells[i]);
        lua_rawseti(L, TABLE, (int)i + 1);
    }
    for (size_t i = 0; i < view.nentries; i++) {
        const struct value *key = lagoon__frozen_key(&view, i);
        lagoon__frozen_push(L, thaw->s, key);
        push(thaw, key + 1);
        lua_rawset(L, TABLE);
    }
}

int lagoon__thaw(lua_State *L)
{
    lua_settop(L, 1);
    struct frozen *frozen = lagoon__object_at(L, FROZEN, KIND_FROZEN);
    if (frozen == NULL) {
        lagoon__raise_argument(L, 1, "thaw", "frozen table expected, got %s",
                               lagoon__type_name(L, FROZEN));
    }
    lagoon__frozen_self(L, "thaw");
    lagoon__check_room(L, TABLE + ROOM, "no room to thaw a table");
    struct thaw thaw = {.L = L, .s = lagoon__script(L)};
    lua_newtable(L);
    lua_newtable(L);
    push_table(&thaw, frozen->node);
    for (int i = 1; i <= thaw.nqueued; i++) {
        lua_rawgeti(L, QUEUE, i);
        struct shared *node = lua_touserdata(L, -1);
        lua_pushlightuserdata(L, node);
        lua_rawget(L, TABLES);
        lua_replace(L, TABLE);
        lua_pop(L, 1);
        fill(&thaw, node);
        lg_checkpoint();
    }
    lua_pushlightuserdata(L, frozen->node);
    lua_rawget(L, TABLES);
    return 1;
}
