// SPDX-License-Identifier: MIT
//
// A channel that was its state's own is about to be known to others: what it holds, in
// its buffer and in the hands of senders that wait, is encoded as if it were sent now.
// If that cannot be done, nothing has happened.
//
// Who waits on it goes on waiting. What is handed to receivers from now on may be
// sealed, which they are told by the value itself.
#include "chanshare.h"

#include <lauxlib.h>

#include "chan.h"
#include "fail.h"
#include "parcel.h"
#include "state.h"
#include "timers.h"

// A channel, what it holds, and what that will be: in objects of the collector.
struct pending {
    struct pending *next;
    struct sharing *sharing;
    struct chan *chan;
    int place;             // of the channel in the sharing's table
    struct shared *shared; // NULL: not yet made
    void *slots;           // for its buffer
    struct move *move;
    void **elems;
    size_t n;
    size_t at;
    bool has_changed;
    bool has_ticker; // which keeps the channel from now on
};

struct move {
    struct value before;
    struct value after;
};

static bool is_same(struct value a, struct value b)
{
    return a.tag == b.tag && a.ref == b.ref;
}

static void count_elem(void *ud, void *elem)
{
    (void)elem;
    ((struct pending *)ud)->n++;
}

static void note_elem(void *ud, void *elem)
{
    struct pending *pending = ud;
    pending->elems[pending->at] = elem;
    pending->move[pending->at++].before = *(struct value *)elem;
}

// The note of an element; NULL: there is none. A sender may have been claimed by its
// time-out meanwhile, and is passed over.
static struct move *find_note(struct pending *pending, const void *elem)
{
    while (pending->at < pending->n && pending->elems[pending->at] != elem) {
        pending->at++;
    }
    return pending->at < pending->n ? &pending->move[pending->at++] : NULL;
}

static void compare_elem(void *ud, void *elem)
{
    struct pending *pending = ud;
    struct move *move = find_note(pending, elem);
    pending->has_changed |= move == NULL || !is_same(move->before, *(struct value *)elem);
}

// In objects of the collector (selects) as well as in goroutines' areas: nothing was
// in ptr before.
static void replace_elem(void *ud, void *elem)
{
    struct move *move = find_note(ud, elem);
    if (move != NULL) {
        lagoon__value_put(elem, move->after);
    }
}

// Encodes all that was noted; the references are on top. May run code, which must not
// use the channel. Raises.
static void encode_all(lua_State *L, struct pending *pending)
{
    int refs = lua_gettop(L);
    for (size_t i = 0; i < pending->n; i++) {
        struct move *move = &pending->move[i];
        if (move->before.tag == VALUE_REF) {
            lua_rawgeti(L, refs, move->before.ref);
            lagoon__encode_held(L, pending->sharing, &move->after);
            lua_pop(L, 1);
        } else {
            lagoon__value_put(&move->after, move->before);
        }
    }
}

// Nothing is sent: what has been encoded takes its moves back.
static void recall_all(struct pending *pending)
{
    for (size_t i = 0; pending->move != NULL && i < pending->n; i++) {
        if (pending->move[i].before.tag == VALUE_REF) {
            lagoon__recall(pending->move[i].after);
        }
    }
}

// Forgets the references: the values are copies now.
static void drop_refs(lua_State *L, struct pending *pending)
{
    struct chan *chan = pending->chan;
    int refs = lua_gettop(L);
    for (size_t i = 0; i < pending->n; i++) {
        if (pending->move[i].before.tag == VALUE_REF) {
            lua_pushnil(L);
            lua_rawseti(L, refs, pending->move[i].before.ref);
            lagoon__slots_put(&chan->refs, pending->move[i].before.ref);
        }
    }
}

static void walk(struct pending *pending, void (*visit)(void *, void *))
{
    pending->at = 0;
    lg_chan_each(pending->chan->ch, visit, pending);
}

// -- make ready --

// Pops what is on top into the table of what is kept; returns its place.
static int keep(lua_State *L, struct sharing *sharing)
{
    if (sharing->table == 0) {
        lua_newtable(L);
        sharing->table = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, sharing->table);
    int place = (int)lua_objlen(L, -1) + 1;
    lua_insert(L, -2);
    lua_rawseti(L, -2, place);
    lua_pop(L, 1);
    return place;
}

void lagoon__sharing_add(lua_State *L, struct sharing *sharing, int index)
{
    struct pending *pending = lua_newuserdata(L, sizeof *pending);
    *pending = (struct pending){
        .next = sharing->first,
        .sharing = sharing,
        .chan = lua_touserdata(L, index),
    };
    keep(L, sharing);
    lua_pushvalue(L, index);
    pending->place = keep(L, sharing);
    sharing->first = pending;
}

static void *new_values(lua_State *L, struct sharing *sharing, size_t n)
{
    void *values = lagoon__gc_new_kept(L, sharing->s, sharing->s->types.values, n);
    keep(L, sharing);
    return values;
}

static void note_all(lua_State *L, struct pending *pending)
{
    walk(pending, count_elem);
    size_t n = pending->n;
    if (n > 0) {
        pending->elems = lua_newuserdata(L, n * sizeof *pending->elems);
        keep(L, pending->sharing);
        pending->move = new_values(L, pending->sharing, 2 * n);
        walk(pending, note_elem);
    }
}

void lagoon__sharing_encode(lua_State *L, struct sharing *sharing, int index,
                            struct shared *shared)
{
    struct pending *pending = sharing->first;
    struct chan *chan = pending->chan;
    pending->shared = shared;
    chan->is_moving = true;
    chan->mover = lg_self().id;
    chan->mover_hook = sharing->s->hook;
    size_t cap = lg_chan_cap(chan->ch);
    pending->slots = cap > 0 ? new_values(L, sharing, cap) : NULL;
    note_all(L, pending);
    if (pending->n > 0) {
        lagoon__value_refs(L, index, chan);
        encode_all(L, pending);
        lua_pop(L, 1);
    }
    pending->has_ticker = lagoon__ticker_share(L, chan, index);
}

// -- all or nothing --

bool lagoon__sharing_is_valid(struct sharing *sharing)
{
    bool has_changed = false;
    for (struct pending *at = sharing->first; at != NULL; at = at->next) {
        walk(at, compare_elem);
        has_changed |= at->has_changed;
    }
    return !has_changed;
}

static void commit(lua_State *L, struct pending *pending)
{
    struct chan *chan = pending->chan;
    if (pending->n > 0) {
        walk(pending, replace_elem);
        lua_rawgeti(L, LUA_REGISTRYINDEX, pending->sharing->table);
        lua_rawgeti(L, -1, pending->place);
        lagoon__value_refs(L, lua_gettop(L), chan);
        drop_refs(L, pending);
        lua_pop(L, 3);
    }
    lagoon__share_core(pending->shared, chan->ch);
    lagoon__gc_set(&pending->shared->data, pending->slots);
    lg_chan_share(chan->ch, pending->slots);
    chan->is_moving = false;
}

static void undo(lua_State *L, struct pending *pending)
{
    struct chan *chan = pending->chan;
    recall_all(pending);
    if (pending->has_ticker) {
        lagoon__ticker_unshare(chan);
    }
    chan->is_moving = false;
    lagoon__share_undo(L, &chan->object);
}

static void end(lua_State *L, struct sharing *sharing,
                void (*visit)(lua_State *, struct pending *))
{
    for (struct pending *at = sharing->first; at != NULL; at = at->next) {
        visit(L, at);
    }
    sharing->first = NULL;
    if (sharing->table != 0) {
        luaL_unref(L, LUA_REGISTRYINDEX, sharing->table);
        sharing->table = 0;
    }
}

void lagoon__sharing_commit(lua_State *L, struct sharing *sharing)
{
    end(L, sharing, commit);
}

void lagoon__sharing_undo(lua_State *L, struct sharing *sharing)
{
    end(L, sharing, undo);
}

_Noreturn void lagoon__sharing_raise(lua_State *L, bool has_error)
{
    if (!has_error) {
        lagoon__raise(L, "a channel was used while what it holds was being copied");
    }
    lua_error(L);
    __builtin_unreachable();
}

bool lagoon__chan_may_mention(const struct chan *chan)
{
    return !chan->is_moving ||
           (chan->mover == lg_self().id && chan->mover_hook == chan->object.script->hook);
}
