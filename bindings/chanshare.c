// SPDX-License-Identifier: MIT
//
// A channel that was its state's own is about to be known to others: what it holds, in
// its buffer and in the hands of senders that wait, is encoded as if it were sent now.
// If that cannot be done, nothing has happened.
//
// Who waits on it goes on waiting. What is handed to receivers from now on may be
// sealed, which they are told by the value itself.
#include "chan.h"
#include "fail.h"
#include "parcel.h"
#include "state.h"
#include "timers.h"

// What an element was, and what it will be: in an object of the collector.
struct moving {
    struct script *s;
    struct move *move;
    void **elems; // NULL: only counted
    size_t n;
    size_t at;
    bool has_changed;
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
    ((struct moving *)ud)->n++;
}

static void note_elem(void *ud, void *elem)
{
    struct moving *moving = ud;
    moving->elems[moving->at] = elem;
    moving->move[moving->at++].before = *(struct value *)elem;
}

// The note of an element; NULL: there is none. A sender may have been claimed by its
// time-out meanwhile, and is passed over.
static struct move *find_note(struct moving *moving, const void *elem)
{
    while (moving->at < moving->n && moving->elems[moving->at] != elem) {
        moving->at++;
    }
    return moving->at < moving->n ? &moving->move[moving->at++] : NULL;
}

static void compare_elem(void *ud, void *elem)
{
    struct moving *moving = ud;
    struct move *move = find_note(moving, elem);
    moving->has_changed |= move == NULL || !is_same(move->before, *(struct value *)elem);
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

// encode_all(moving, references): encodes all that was noted. May run code, which must
// not use the channel.
static int encode_all(lua_State *L)
{
    struct moving *moving = lua_touserdata(L, 1);
    int refs = 2;
    for (size_t i = 0; i < moving->n; i++) {
        struct move *move = &moving->move[i];
        if (move->before.tag == VALUE_REF) {
            lua_rawgeti(L, refs, move->before.ref);
            lagoon__encode_routed(L, moving->s, -1, ROUTE_HELD, &move->after);
            lua_pop(L, 1);
        } else {
            lagoon__value_put(&move->after, move->before);
        }
    }
    return 0;
}

// Nothing is sent: what has been encoded takes its moves back.
static void recall_all(struct moving *moving)
{
    for (size_t i = 0; i < moving->n; i++) {
        if (moving->move[i].before.tag == VALUE_REF) {
            lagoon__recall(moving->move[i].after);
        }
    }
}

// Forgets the references: the values are copies now.
static void drop_refs(lua_State *L, struct chan *chan, struct moving *moving)
{
    int refs = lua_gettop(L);
    for (size_t i = 0; i < moving->n; i++) {
        if (moving->move[i].before.tag == VALUE_REF) {
            lua_pushnil(L);
            lua_rawseti(L, refs, moving->move[i].before.ref);
            lagoon__slots_put(&chan->refs, moving->move[i].before.ref);
        }
    }
}

static void walk(struct chan *chan, struct moving *moving, void (*visit)(void *, void *))
{
    moving->at = 0;
    lg_chan_each(chan->ch, visit, moving);
}

// The memory of the notes is the collector's, so that nothing is lost when an error
// cuts this short, and what has been encoded is seen.
static void make_notes(lua_State *L, struct script *s, struct moving *moving)
{
    moving->elems = lua_newuserdata(L, moving->n * sizeof *moving->elems);
    moving->move = lagoon__gc_new_kept(L, s, s->types.values, 2 * moving->n);
}

static void convert(lua_State *L, struct script *s, int index, struct chan *chan)
{
    struct moving moving = {.s = s};
    walk(chan, &moving, count_elem);
    if (moving.n == 0) {
        return;
    }
    make_notes(L, s, &moving);
    walk(chan, &moving, note_elem);
    lagoon__value_refs(L, index, chan);
    lua_pushcfunction(L, encode_all);
    lua_pushlightuserdata(L, &moving);
    lua_pushvalue(L, -3);
    if (lua_pcall(L, 2, 0, 0) != 0) {
        recall_all(&moving);
        lua_error(L);
    }
    walk(chan, &moving, compare_elem);
    if (moving.has_changed) {
        recall_all(&moving);
        lagoon__raise(L, "a channel was used while what it holds was being copied");
    }
    walk(chan, &moving, replace_elem);
    drop_refs(L, chan, &moving);
    lg_keep_alive(moving.move);
}

void lagoon__chan_share(lua_State *L, struct script *s, int index, struct shared *shared)
{
    struct chan *chan = lua_touserdata(L, index);
    if (chan->ch == NULL) {
        lagoon__raise(L, "cannot send a dead channel to another Lua state");
    }
    chan->is_moving = true;
    chan->mover = lg_self().id;
    chan->mover_hook = s->hook;
    size_t cap = lg_chan_cap(chan->ch);
    void *slots = cap > 0 ? lagoon__gc_new_kept(L, s, s->types.values, cap) : NULL;
    convert(L, s, index, chan);
    shared->core = chan->ch;
    lagoon__gc_set(&shared->data, slots);
    lagoon__ticker_share(L, chan, index);
    lg_chan_share(chan->ch, slots);
    chan->is_moving = false;
}

bool lagoon__chan_may_mention(const struct chan *chan)
{
    return !chan->is_moving ||
           (chan->mover == lg_self().id && chan->mover_hook == chan->object.script->hook);
}
