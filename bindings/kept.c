// SPDX-License-Identifier: MIT
#include "kept.h"

enum { TABLE_SIZE = 1024, NO_TABLE = -1 };

// What stands behind the slots.
enum { TABLES, WRITTEN, READ, NBEHIND };

static int index_of(const struct kept *kept, int what)
{
    return kept->first + (int)kept->nslots + what;
}

void lagoon__kept_init(struct kept *kept, lua_State *L, uint32_t nslots)
{
    *kept = (struct kept){
        .L = L,
        .first = lua_gettop(L) + 1,
        .nslots = nslots,
        .table_at = (uint32_t)NO_TABLE,
    };
    lua_settop(L, lua_gettop(L) + (int)nslots + NBEHIND);
}

static void begin_table(struct kept *kept, uint32_t at)
{
    lua_State *L = kept->L;
    if (at == 0) {
        lua_newtable(L);
        lua_replace(L, index_of(kept, TABLES));
    }
    lua_createtable(L, TABLE_SIZE, 0);
    lua_pushvalue(L, -1);
    lua_rawseti(L, index_of(kept, TABLES), (int)at + 1);
    lua_replace(L, index_of(kept, WRITTEN));
}

void lagoon__kept_spill(struct kept *kept)
{
    lua_State *L = kept->L;
    uint32_t i = kept->n - kept->nslots;
    if (i % TABLE_SIZE == 0) {
        begin_table(kept, i / TABLE_SIZE);
    }
    lua_pushvalue(L, -1);
    lua_rawseti(L, index_of(kept, WRITTEN), (int)(i % TABLE_SIZE) + 1);
    kept->n++;
}

void lagoon__kept_load(struct kept *kept, uint32_t i)
{
    lua_State *L = kept->L;
    i -= kept->nslots;
    if (i / TABLE_SIZE != kept->table_at) {
        kept->table_at = i / TABLE_SIZE;
        lua_rawgeti(L, index_of(kept, TABLES), (int)kept->table_at + 1);
        lua_replace(L, index_of(kept, READ));
    }
    lua_rawgeti(L, index_of(kept, READ), (int)(i % TABLE_SIZE) + 1);
}
