// SPDX-License-Identifier: MIT
//
// select(...): cases from the stack into a block, which the goroutine owns
// while it waits. Blocks of the usual size are used again.
#include "select.h"

#include <lauxlib.h>

#include "chan.h"
#include "fail.h"
#include "out.h"
#include "parcel.h"
#include "state.h"
#include "wait.h"

enum { USUAL_CASES = 8 };

// The values of the cases stand in an object of the core's collector, which must see
// them there, and of which a handle is kept.
struct select_block {
    struct select_block *next;
    uint32_t cap;
    uint32_t ncases;
    size_t index;         // which case was done
    lg_case *cases;       // cap of them
    struct value *values; // the same
    lg_handle *handle;
    struct chan *chans[];
};

static size_t block_size(uint32_t cap)
{
    return sizeof(struct select_block) + cap * (sizeof(struct chan *) + sizeof(lg_case));
}

static void free_block(struct script *s, struct select_block *block)
{
    lg_handle_free(block->handle);
    lagoon__realloc(s, block, block_size(block->cap), 0);
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
    block->cases = (lg_case *)(void *)(block->chans + cap);
    if (lg_handle_new_object(s->rt, s->types.values, cap, &block->handle) != LG_OK) {
        lagoon__realloc(s, block, block_size(cap), 0);
        lagoon__raise_memory(L);
    }
    block->values = lg_handle_get(block->handle);
    return block;
}

// What the collector may not have seen yet, and what may still be needed.
static void empty_values(struct select_block *block)
{
    for (uint32_t i = 0; i < block->ncases; i++) {
        if (block->values[i].ptr != NULL) {
            lg_store(&block->values[i].ptr, NULL);
        }
    }
}

static void put_block(struct script *s, struct select_block *block)
{
    if (block->cap == USUAL_CASES && lg_self().id != 0) {
        empty_values(block);
        block->next = s->blocks;
        s->blocks = block;
    } else {
        free_block(s, block);
    }
}

void lagoon__select_fini(struct script *s)
{
    while (s->blocks != NULL) {
        struct select_block *block = s->blocks;
        s->blocks = block->next;
        free_block(s, block);
    }
}

size_t lagoon__select_ncases(const struct script_g *sg)
{
    return sg->select->ncases;
}

struct chan *lagoon__select_chan(const struct script_g *sg, size_t i)
{
    return sg->select->chans[i];
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
            block->values[i].tag >= VALUE_REF && push_sending(L, s, (int)i + 1)) {
            int ch = lua_gettop(L) - 1;
            if (live_chan(L, ch) == block->chans[i]) {
                lagoon__value_drop(L, ch, block->chans[i], block->values[i]);
            }
            lua_pop(L, 2);
        }
    }
}

// -- what is sent to other states is encoded first, which may fail --

struct sealing {
    struct script *s;
    struct value *values; // ncases of them, in an object of the collector
    int ncases;
};

static bool is_sealed_send(lua_State *L, struct script *s, int index)
{
    if (!push_sending(L, s, index)) {
        return false;
    }
    bool is_it = lagoon__chan_is_shared(lua_touserdata(L, -2));
    lua_pop(L, 2);
    return is_it;
}

// Encodes the values of sends over shared channels. The cases are at 2, 3, ...
static int seal_cases(lua_State *L)
{
    struct sealing *sealing = lua_touserdata(L, 1);
    for (int i = 0; i < sealing->ncases; i++) {
        if (is_sealed_send(L, sealing->s, i + 2)) {
            push_sending(L, sealing->s, i + 2);
            lagoon__encode(L, sealing->s, -1, &sealing->values[i]);
            lua_pop(L, 2);
        } else {
            // Should a hook share the channel only later, it is still to be encoded.
            lagoon__value_put(&sealing->values[i], lagoon__value_of_tag(VALUE_REF));
        }
    }
    return 0;
}

// NULL: no case sends to another state. Else they are kept by what is on top. Raises,
// with nothing sealed.
static struct value *seal(lua_State *L, struct script *s, int ncases)
{
    int first = 1;
    while (first <= ncases && !is_sealed_send(L, s, first)) {
        first++;
    }
    if (first > ncases) {
        return NULL;
    }
    lagoon__check_room(L, ncases + 8, "too many cases");
    struct value *values = lagoon__gc_new_kept(L, s, s->types.values, (size_t)ncases);
    struct sealing sealing = {s, values, ncases};
    lua_pushcfunction(L, seal_cases);
    lua_pushlightuserdata(L, &sealing);
    for (int i = 1; i <= ncases; i++) {
        lua_pushvalue(L, i);
    }
    if (lua_pcall(L, ncases + 1, 0, 0) != 0) {
        for (int i = 0; i < ncases; i++) {
            lagoon__recall(values[i]);
        }
        lua_error(L);
    }
    return values;
}

// -- filling a block --

static void fill_case(lua_State *L, struct script *s, struct select_block *block,
                      uint32_t i, const struct value *sealed)
{
    struct value *value = &block->values[i];
    lagoon__value_put(value, lagoon__value_of_tag(VALUE_NIL));
    if (push_sending(L, s, (int)i + 1)) {
        int index = lua_gettop(L);
        block->chans[i] = lua_touserdata(L, index - 1);
        if (sealed != NULL && sealed[i].tag != VALUE_REF) {
            lagoon__value_put(value, sealed[i]);
        } else {
            lagoon__value_pack(L, index, index - 1, block->chans[i], value);
        }
        lua_pop(L, 2);
        block->cases[i].op = LG_SEND;
    } else {
        block->chans[i] = lua_touserdata(L, (int)i + 1);
        block->cases[i].op = LG_RECV;
    }
    block->cases[i].ch = block->chans[i]->ch;
    block->cases[i].elem = value;
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
    struct value value = block->values[i];
    if (!is_send && rc == LG_OK && lagoon__value_is_sealed(value)) {
        lagoon__out_seal(L, s, value);
        lua_pushinteger(L, (lua_Integer)i + 1);
        return 3;
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushinteger(L, (lua_Integer)i + 1);
    if (is_send) {
        return 2;
    }
    value = rc == LG_OK ? value : lagoon__value_of_tag(VALUE_NIL);
    lagoon__value_unpack(L, (int)i + 1, block->chans[i], value);
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
        block->chans[i]->nwaiting += change;
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
    lagoon__rt(L, s);
    lagoon__check_room(L, 12, "too many cases");
    bool has_default = ncases > 0 && is_default(L, s, ncases);
    ncases -= has_default;
    if (ncases > LG_CHAN_CASES_MAX) {
        lagoon__raise(L, "too many cases to select (%d, at most %d)", ncases,
                      LG_CHAN_CASES_MAX);
    }
    check_cases(L, s, ncases);
    struct value *sealed = seal(L, s, ncases);
    int64_t deadline_ns = has_default ? 0 : LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    struct select_block *block = get_block(L, s, ncases);
    block->ncases = (uint32_t)ncases;
    for (uint32_t i = 0; i < block->ncases; i++) {
        fill_case(L, s, block, i, sealed);
    }
    sg->select = block;
    return run_select(L, sg, deadline_ns, has_default);
}

void lagoon__open_select(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"select", select}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.sending);
    lua_pushliteral(L, "select case");
    lua_setfield(L, -2, "__name");
    lua_setfield(L, -2, "Sending");
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.default_case);
    lua_setfield(L, -2, "default");
}
