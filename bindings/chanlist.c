// SPDX-License-Identifier: MIT
//
// The core visits channels with its list locked, so they are first copied and then told
// about.
#include "chanlist.h"

#include <lagoon.h>
#include <lauxlib.h>

#include "chan.h"
#include "state.h"

enum { LISTED_MAX = 10000 };

struct listing {
    size_t n;
    size_t cap;
    lg_chan_info infos[];
};

static bool add_info(void *ud, const lg_chan_info *info)
{
    struct listing *listing = ud;
    listing->infos[listing->n++] = *info;
    return listing->n < listing->cap;
}

static void set_number(lua_State *L, const char *key, size_t number)
{
    lua_pushnumber(L, (double)number);
    lua_setfield(L, -2, key);
}

static void set_boolean(lua_State *L, const char *key, bool is_so)
{
    lua_pushboolean(L, is_so);
    lua_setfield(L, -2, key);
}

static void set_waiters(lua_State *L, const lg_chan_info *info)
{
    set_number(L, "receivers", info->nreceivers);
    set_number(L, "senders", info->nsenders);
    lua_createtable(L, (int)info->nlisted, 0);
    for (size_t i = 0; i < info->nlisted; i++) {
        lua_pushnumber(L, (double)info->waiters[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "waiters");
}

static void push_info(lua_State *L, const struct script *s, const lg_chan_info *info)
{
    lua_createtable(L, 0, 9);
    set_number(L, "number", info->number);
    set_number(L, "length", info->len);
    set_number(L, "capacity", info->cap);
    set_boolean(L, "is_closed", info->is_closed);
    set_boolean(L, "is_shared", info->strand == NULL);
    set_boolean(L, "is_elsewhere", info->strand != NULL && info->strand != s->strand);
    if (info->has_waiters) {
        set_waiters(L, info);
    }
}

// channels(): those that there are, the oldest ones first, as tables. Of one whose waiters
// are not known `receivers`, `senders` and `waiters` are nil.
static int channels(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lg_stats stats = {.size_bytes = sizeof stats};
    lg_get_stats(lagoon__rt(L, s), &stats);
    size_t cap = (size_t)stats.channels + 16;
    cap = cap < LISTED_MAX ? cap : LISTED_MAX;
    struct listing *listing =
        lua_newuserdata(L, sizeof *listing + cap * sizeof listing->infos[0]);
    listing->n = 0;
    listing->cap = cap;
    lg_channels(s->rt, add_info, listing);
    lua_createtable(L, (int)listing->n, 0);
    for (size_t i = 0; i < listing->n; i++) {
        push_info(L, s, &listing->infos[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

// chan_info(ch): the same of one.
static int chan_info(lua_State *L)
{
    lg_chan_info info;
    struct chan *chan = lagoon__chan_self(L, "chan_info");
    lagoon__rt(L, chan->object.script);
    lg_chan_get_info(chan->ch, &info);
    push_info(L, chan->object.script, &info);
    return 1;
}

void lagoon__open_chanlist(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"channels", channels}, {"chan_info", chan_info}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
