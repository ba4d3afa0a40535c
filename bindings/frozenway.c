// SPDX-License-Identifier: MIT
#include "frozenway.h"

#include <stdio.h>
#include <string.h>

#include "leg.h"

static void append(char *path, const char *text)
{
    size_t length = strlen(path);
    snprintf(path + length, LEGS_SIZE - length, "%s", text);
}

static void append_key(lua_State *L, int key, char *path)
{
    struct leg leg;
    lagoon__leg_of_key(L, key, &leg);
    append(path, leg.text);
}

// So many steps up from the table that is being read. The first table in the queue has
// no parent.
static int ancestor(lua_State *L, const struct frozen_way *way, int nsteps)
{
    int table = way->table;
    for (int i = 0; i < nsteps; i++) {
        lua_rawgeti(L, way->parents, table);
        table = (int)lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    return table;
}

static int depth_of(lua_State *L, const struct frozen_way *way)
{
    int depth = 0;
    for (int table = way->table; table > 1; depth++) {
        lua_rawgeti(L, way->parents, table);
        table = (int)lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    return depth;
}

void lagoon__frozen_way(lua_State *L, const struct frozen_way *way, int key, char *out)
{
    out[0] = '\0';
    int depth = depth_of(L, way);
    for (int i = 1; i <= depth; i++) {
        if (i > LEGS_FIRST && i <= depth - LEGS_LAST) {
            append(out, "...");
            i = depth - LEGS_LAST + 1;
        }
        lua_rawgeti(L, way->keys, ancestor(L, way, depth - i));
        append_key(L, lua_gettop(L), out);
        lua_pop(L, 1);
    }
    if (key != 0) {
        append_key(L, key, out);
    }
}
