// SPDX-License-Identifier: MIT
//
// select(...): cases from the stack into a block, which the goroutine owns
// while it waits. Blocks of the usual size are used again.
#include "select.h"

#include <lauxlib.h>

#include "chan.h"
#include "fail.h"
#include "state.h"
#include "wait.h"

enum { USUAL_CASES = 8 };

struct select_case {
    struct chan *chan;
    struct value value;
};

struct select_block {
    struct select_block *next;
    uint32_t cap;
    uint32_t ncases;
    size_t index;   // which case was done
    lg_case *cases; // cap of them
    struct select_case side[];
};

static size_t block_size(uint32_t cap)
{
    return sizeof(struct select_block) +
           cap * (sizeof(struct select_case) + sizeof(lg_case));
}

static struct select_block *get_block(lua_State *L, struct script *s, int ncases)
{
    struct select_block *block = s->blocks;
    if (ncases <= USUAL_CASES && block != NULL) {
        s->blocks = block->next;
        return block;
    }
    uint32_t cap = ncases <= USUAL_CASES ? USUAL_CASES : (uint32_t)ncases;
    block = lagoon__realloc(s, NULL, 0, block_size(cap));
    if (block == NULL) {
        lagoon__raise_memory(L);
    }
    block->cap = cap;
    block->cases = (lg_case *)(block->side + cap);
    return block;
}

static void put_block(struct script *s, struct select_block *block)
{
    if (block->cap == USUAL_CASES) {
        block->next = s->blocks;
        s->blocks = block;
    } else {
        lagoon__realloc(s, block, block_size(block->cap), 0);
    }
}

void lagoon__select_fini(struct script *s)
{
    while (s->blocks != NULL) {
        struct select_block *block = s->blocks;
        s->blocks = block->next;
        lagoon__realloc(s, block, block_size(block->cap), 0);
    }
}

size_t lagoon__select_ncases(const struct script_g *sg)
{
    return sg->select->ncases;
}

struct chan *lagoon__select_chan(const struct script_g *sg, size_t i)
{
    return sg->select->side[i].chan;
}

// -- cases --

static bool is_default(lua_State *L, struct script *s, int index)
{
    if (lua_type(L, index) != LUA_TUSERDATA) {
        return false;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.default_case);
    bool is_it = lua_rawequal(L, index, -1);
    lua_pop(L, 1);
    return is_it;
}

// Pushes the channel of ch:sending(v) and then v; or pushes nothing.
static bool push_sending(lua_State *L, struct script *s, int index)
{
    if (!lua_istable(L, index) || !lua_getmetatable(L, index)) {
        return false;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.sending);
    bool is_it = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (is_it) {
        lua_rawgeti(L, index, 1);
        lua_rawgeti(L, index, 2);
    }
    return is_it;
}

static struct chan *live_chan(lua_State *L, int index)
{
    struct chan *chan = lagoon__object_at(L, index, KIND_CHAN);
    return chan != NULL && chan->ch != NULL ? chan : NULL;
}

static void check_cases(lua_State *L, struct script *s, int ncases)
{
    for (int i = 1; i <= ncases; i++) {
        if (live_chan(L, i)) {
            continue;
        }
        if (push_sending(L, s, i)) {
            struct chan *chan = live_chan(L, -2);
            lua_pop(L, 2);
            if (chan != NULL) {
                continue;
            }
        }
        if (is_default(L, s, i)) {
            lagoon__raise(L, "bad case #%d to select (lagoon.default must be the last)",
                          i);
        }
        lagoon__raise(L, "bad case #%d to select (channel expected, got %s)", i,
                      lagoon__type_name(L, i));
    }
}

// Forgets the values of the send cases that were not done, of the first n.
static void drop_cases(lua_State *L, struct script *s, struct select_block *block,
                       uint32_t n, size_t done)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i != done && block->cases[i].op == LG_SEND &&
            block->side[i].value.tag == VALUE_REF && push_sending(L, s, (int)i + 1)) {
            int ch = lua_gettop(L) - 1;
            if (live_chan(L, ch) == block->side[i].chan) {
                lagoon__value_drop(L, ch, block->side[i].chan, block->side[i].value);
            }
            lua_pop(L, 2);
        }
    }
}

static void fill_case(lua_State *L, struct script *s, struct select_block *block,
                      uint32_t i)
{
    struct select_case *side = &block->side[i];
    side->value = (struct value){0};
    if (push_sending(L, s, (int)i + 1)) {
        int value = lua_gettop(L);
        side->chan = lua_touserdata(L, value - 1);
        lagoon__value_pack(L, value, value - 1, side->chan, &side->value);
        lua_pop(L, 2);
        block->cases[i].op = LG_SEND;
    } else {
        side->chan = lua_touserdata(L, (int)i + 1);
        block->cases[i].op = LG_RECV;
    }
    block->cases[i].ch = side->chan->ch;
    block->cases[i].elem = &side->value;
}

// -- results --

static int push_done(lua_State *L, struct script *s, struct select_block *block, int rc)
{
    uint32_t i = (uint32_t)block->index;
    bool is_send = block->cases[i].op == LG_SEND;
    if (is_send && rc == LG_ECLOSED) {
        drop_cases(L, s, block, block->ncases, block->ncases);
        return lagoon__finish_raise(L, "send on closed channel");
    }
    drop_cases(L, s, block, block->ncases, i);
    lua_pushinteger(L, WAIT_OK);
    lua_pushinteger(L, (lua_Integer)i + 1);
    if (is_send) {
        return 2;
    }
    lagoon__value_unpack(L, (int)i + 1, block->side[i].chan, block->side[i].value);
    lua_pushboolean(L, rc == LG_OK);
    return 4;
}

static int push_result(lua_State *L, struct script_g *sg, int rc)
{
    struct script *s = sg->script;
    struct select_block *block = sg->select;
    int nresults;
    if (rc == LG_OK || rc == LG_ECLOSED) {
        nresults = push_done(L, s, block, rc);
    } else {
        drop_cases(L, s, block, block->ncases, block->ncases);
        nresults = lagoon__finish_plain(L, sg, rc);
    }
    sg->select = NULL;
    put_block(s, block);
    return nresults;
}

static void count_waiting(struct select_block *block, int change)
{
    for (uint32_t i = 0; i < block->ncases; i++) {
        block->side[i].chan->nwaiting += change;
    }
}

static int finish_select(lua_State *L, struct script_g *sg, int rc)
{
    count_waiting(sg->select, -1);
    return push_result(L, sg, rc);
}

// With lagoon.default and nothing ready: the position of that.
static int push_default(lua_State *L, struct script_g *sg)
{
    struct script *s = sg->script;
    struct select_block *block = sg->select;
    drop_cases(L, s, block, block->ncases, block->ncases);
    lua_pushinteger(L, WAIT_OK);
    lua_pushinteger(L, (lua_Integer)block->ncases + 1);
    sg->select = NULL;
    put_block(s, block);
    return 2;
}

static int run_select(lua_State *L, struct script_g *sg, int64_t deadline_ns,
                      bool has_default)
{
    struct select_block *block = sg->select;
    int rc = lg_select(block->cases, block->ncases, deadline_ns, &block->index);
    if (rc == LG_WAIT) {
        count_waiting(block, 1);
        lagoon__parks_on(sg, PARKED_ON_CASES, deadline_ns);
        return lagoon__settle(L, sg, rc, finish_select);
    }
    if (rc == LG_EAGAIN && has_default) {
        return push_default(L, sg);
    }
    int nresults = push_result(L, sg, rc);
    if (rc == LG_EAGAIN && sg->script->refusal) {
        lagoon__refuse(L, sg->script);
    }
    return nresults;
}

static int select(lua_State *L)
{
    struct script *s = lagoon__script(L);
    int ncases = lua_gettop(L);
    luaL_checkstack(L, 12, "too many cases");
    bool has_default = ncases > 0 && is_default(L, s, ncases);
    ncases -= has_default;
    if (ncases > LG_CHAN_CASES_MAX) {
        lagoon__raise(L, "too many cases to select (%d, at most %d)", ncases,
                      LG_CHAN_CASES_MAX);
    }
    check_cases(L, s, ncases);
    int64_t deadline_ns = has_default ? 0 : LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    struct select_block *block = get_block(L, s, ncases);
    block->ncases = (uint32_t)ncases;
    for (uint32_t i = 0; i < block->ncases; i++) {
        fill_case(L, s, block, i);
    }
    sg->select = block;
    return run_select(L, sg, deadline_ns, has_default);
}

void lagoon__open_select(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"select", select}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.sending);
    lua_setfield(L, -2, "Sending");
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.default_case);
    lua_setfield(L, -2, "default");
}
