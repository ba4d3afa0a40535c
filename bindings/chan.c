// SPDX-License-Identifier: MIT
//
// The C halves of a channel's methods. The blocking ones return a code first
// (wait.h); chan.lua and fast.lua make methods of them.
#include "chan.h"

#include <lauxlib.h>

#include "fail.h"
#include "out.h"
#include "parcel.h"
#include "share.h"
#include "state.h"
#include "timers.h"
#include "wait.h"

static const double CAP_MAX = 2147483647;

struct chan *lagoon__chan_self(lua_State *L, const char *method)
{
    struct chan *chan = lagoon__self(L, KIND_CHAN, method);
    if (chan->ch == NULL) {
        lagoon__raise(L, "calling '%s' on a dead channel", method);
    }
    return chan;
}

// -- make and free --

struct chan *lagoon__chan_new(lua_State *L, struct script *s, size_t cap)
{
    lg_runtime *rt = lagoon__rt(L, s);
    struct chan *chan = lagoon__object_new(L, s, KIND_CHAN, sizeof *chan);
    int err = lg_chan_new(rt, s->strand, sizeof(struct value), cap, &chan->ch);
    if (err) {
        lagoon__raise(L, "cannot make a channel of capacity %zu: %s", cap,
                      lg_strerror(err));
    }
    lagoon__hidden(L, s, 128 + cap * sizeof(struct value));
    return chan;
}

static size_t check_cap(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        return 0;
    }
    if (lua_type(L, 1) != LUA_TNUMBER) {
        lagoon__raise_argument(L, 1, "chan", "capacity must be a number, got %s",
                               lagoon__type_name(L, 1));
    }
    double cap = lua_tonumber(L, 1);
    if (!(cap >= 0)) {
        lagoon__raise_argument(L, 1, "chan", "capacity must not be negative, got %.14g",
                               cap);
    }
    if (cap > CAP_MAX) {
        lagoon__raise_argument(L, 1, "chan", "capacity must be at most %.0f, got %.14g",
                               CAP_MAX, cap);
    }
    if (cap != (double)(int64_t)cap) {
        lagoon__raise_argument(L, 1, "chan", "capacity must be a whole number, got %.14g",
                               cap);
    }
    return (size_t)cap;
}

static int chan_new(lua_State *L)
{
    lagoon__chan_new(L, lagoon__script(L), check_cap(L));
    return 1;
}

// A goroutine that waits keeps its channel alive, so that nwaiting is 0 but in
// a state that is being closed: there the strand's end frees what is left.
static int finalise(lua_State *L)
{
    struct chan *chan = lagoon__object_at(L, 1, KIND_CHAN); // a script may call it
    if (chan == NULL || chan->ch == NULL) {
        return 0;
    }
    struct script *s = chan->object.script;
    lagoon__ticker_free(chan);
    if (chan->object.handle) {
        lagoon__unshare(&chan->object);
    } else if (s->ending_rt != NULL || (s->rt != NULL && chan->nwaiting == 0)) {
        // The goroutines of a state that ends alone have been dropped before.
        lg_chan_free(chan->ch);
    }
    chan->ch = NULL;
    lagoon__slots_fini(&chan->refs, s);
    lagoon__object_end(&chan->object);
    return 0;
}

// What is in the goroutine's area, which keeps nothing alive from here on: it is on our
// stack.
static struct value take_value(struct script_g *sg)
{
    struct value value = sg->value;
    sg->value = lagoon__value_of_tag(VALUE_NIL);
    return value;
}

// -- send --

static int push_sent(lua_State *L, struct script_g *sg, struct chan *chan, int rc,
                     struct value value)
{
    if (rc == LG_OK) {
        lua_pushinteger(L, WAIT_OK);
        return 1;
    }
    lagoon__value_drop(L, 1, chan, value);
    if (rc == LG_ECLOSED) {
        return lagoon__finish_raise(L, "send on closed channel");
    }
    return lagoon__finish_plain(L, sg, rc);
}

static int finish_send(lua_State *L, struct script_g *sg, int rc)
{
    struct chan *chan = lua_touserdata(L, 1);
    chan->nwaiting--;
    return push_sent(L, sg, chan, rc, take_value(sg));
}

static int send_until(lua_State *L, struct chan *chan, int64_t deadline_ns)
{
    struct script *s = chan->object.script;
    struct value *place = lagoon__out_next(s);
    lagoon__value_pack(L, 2, 1, chan, place); // may run code, which may wait
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    struct value value = *place;
    if (sg != &s->outside) {
        sg->value = value;
        lagoon__out_back(s, place);
        place = &sg->value;
    }
    int rc = lg_chan_send(chan->ch, place, deadline_ns);
    if (rc == LG_WAIT) {
        chan->nwaiting++;
        lagoon__parks_on(sg, PARKED_ON_SELF, deadline_ns);
        return lagoon__settle(L, sg, rc, finish_send);
    }
    if (place == &sg->value) {
        take_value(sg);
    } else {
        lagoon__out_back(s, place);
    }
    if (rc == LG_EAGAIN && s->refusal) {
        lagoon__value_drop(L, 1, chan, value);
        lagoon__refuse(L, s);
    }
    return push_sent(L, sg, chan, rc, value);
}

static int send(lua_State *L)
{
    struct chan *chan = lagoon__chan_self(L, "send");
    return send_until(L, chan, lagoon__deadline(L, 3, 2, "send"));
}

// As send(), called by fast.lua: without seconds, and surely with a channel.
static int send_on(lua_State *L)
{
    struct chan *chan = lua_touserdata(L, 1);
    return chan->ch && chan->object.script->rt ? send_until(L, chan, LG_NEVER) : send(L);
}

static int try_send(lua_State *L)
{
    struct chan *chan = lagoon__chan_self(L, "try_send");
    struct script *s = chan->object.script;
    struct value *place = lagoon__out_next(s);
    lagoon__value_pack(L, 2, 1, chan, place);
    int rc = lg_chan_send(chan->ch, place, 0);
    struct value value = *place;
    lagoon__out_back(s, place);
    if (rc != LG_OK) {
        lagoon__value_drop(L, 1, chan, value);
    }
    if (rc == LG_ECLOSED) {
        lagoon__raise(L, "send on closed channel");
    }
    lua_pushboolean(L, rc == LG_OK);
    return 1;
}

// -- receive --

static int push_received(lua_State *L, struct script_g *sg, struct chan *chan, int rc,
                         struct value value)
{
    if (rc == LG_ECLOSED) {
        value = lagoon__value_of_tag(VALUE_NIL);
    } else if (rc != LG_OK) {
        return lagoon__finish_plain(L, sg, rc);
    } else if (lagoon__value_is_sealed(value)) {
        return lagoon__out_seal(L, sg->script, value);
    }
    lua_pushinteger(L, WAIT_OK);
    lagoon__value_unpack(L, 1, chan, value);
    lua_pushboolean(L, rc == LG_OK);
    return 3;
}

static int finish_recv(lua_State *L, struct script_g *sg, int rc)
{
    struct chan *chan = lua_touserdata(L, 1);
    chan->nwaiting--;
    return push_received(L, sg, chan, rc, take_value(sg));
}

// Where no goroutine waits, the value lies in a slot of `out`.
static int recv_outside(lua_State *L, struct chan *chan)
{
    struct script *s = chan->object.script;
    struct value *place = lagoon__out_next(s);
    int rc = lg_chan_recv(chan->ch, place, 0);
    if (rc == LG_OK && lagoon__value_is_sealed(*place)) {
        lua_pushinteger(L, WAIT_SEALED);
        lua_pushinteger(L, (lua_Integer)s->out_at);
        return 2;
    }
    struct value value = *place;
    lagoon__out_back(s, place);
    if (rc == LG_EAGAIN && s->refusal) {
        lagoon__refuse(L, s);
    }
    return push_received(L, &s->outside, chan, rc, value);
}

static int recv_until(lua_State *L, struct chan *chan, int64_t deadline_ns)
{
    struct script *s = chan->object.script;
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    if (sg == &s->outside) {
        return recv_outside(L, chan);
    }
    int rc = lg_chan_recv(chan->ch, &sg->value, deadline_ns);
    if (rc == LG_WAIT) {
        chan->nwaiting++;
        lagoon__parks_on(sg, PARKED_ON_SELF, deadline_ns);
        return lagoon__settle(L, sg, rc, finish_recv);
    }
    return push_received(L, sg, chan, rc, take_value(sg));
}

static int recv(lua_State *L)
{
    struct chan *chan = lagoon__chan_self(L, "recv");
    return recv_until(L, chan, lagoon__deadline(L, 2, 1, "recv"));
}

// As recv(), called by fast.lua.
static int recv_from(lua_State *L)
{
    struct chan *chan = lua_touserdata(L, 1);
    return chan->ch && chan->object.script->rt ? recv_until(L, chan, LG_NEVER) : recv(L);
}

static int try_recv(lua_State *L)
{
    struct chan *chan = lagoon__chan_self(L, "try_recv");
    struct script *s = chan->object.script;
    struct value *place = lagoon__out_next(s);
    int at = (int)s->out_at;
    int rc = lg_chan_recv(chan->ch, place, 0);
    if (rc == LG_OK && lagoon__value_is_sealed(*place)) {
        lagoon__out_open(L, s, at);
        lua_pushboolean(L, 1);
        return 2;
    }
    struct value value = *place;
    lagoon__out_back(s, place);
    if (rc == LG_OK) {
        lagoon__value_unpack(L, 1, chan, value);
        lua_pushboolean(L, 1);
    } else {
        lua_pushnil(L);
        rc == LG_ECLOSED ? lua_pushboolean(L, 0) : lua_pushnil(L);
    }
    return 2;
}

// -- the rest --

// sending(ch, v): the case of a select.
static int sending(lua_State *L)
{
    struct chan *chan = lagoon__chan_self(L, "sending");
    lua_settop(L, 2);
    lua_createtable(L, 2, 0);
    lua_insert(L, 1);
    lua_rawseti(L, 1, 2);
    lua_rawseti(L, 1, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, chan->object.script->refs.sending);
    lua_setmetatable(L, 1);
    return 1;
}

static int close(lua_State *L)
{
    struct chan *chan = lagoon__chan_self(L, "close");
    if (lg_chan_close(chan->ch) == LG_ECLOSED) {
        lagoon__raise(L, "close of closed channel");
    }
    return 0;
}

static int cap(lua_State *L)
{
    struct chan *chan = lagoon__chan_self(L, "cap");
    lua_pushnumber(L, (double)lg_chan_cap(chan->ch));
    return 1;
}

static int length(lua_State *L)
{
    struct chan *chan = lagoon__chan_self(L, "#");
    lua_pushnumber(L, (double)lg_chan_len(chan->ch));
    return 1;
}

static int is_closed(lua_State *L)
{
    struct chan *chan = lagoon__chan_self(L, "closed");
    lua_pushboolean(L, lg_chan_is_closed(chan->ch));
    return 1;
}

static int stop(lua_State *L)
{
    struct chan *chan = lagoon__chan_self(L, "stop");
    if (chan->ticker == NULL) {
        lagoon__raise(L, "calling 'stop' on a channel that lagoon.tick did not make in "
                         "this Lua state");
    }
    lua_pushboolean(L, lagoon__ticker_stop(chan));
    return 1;
}

static int tostring(lua_State *L)
{
    struct chan *chan = lagoon__object_at(L, 1, KIND_CHAN);
    if (chan == NULL) {
        chan = lagoon__self(L, KIND_CHAN, "tostring"); // raises
    }
    if (chan->ch == NULL || chan->object.script->rt == NULL) {
        lua_pushfstring(L, "channel: %p (dead)", (void *)chan);
        return 1;
    }
    lua_pushfstring(L, "channel: %p (capacity %f, length %f%s)", (void *)chan,
                    (double)lg_chan_cap(chan->ch), (double)lg_chan_len(chan->ch),
                    lg_chan_is_closed(chan->ch) ? ", closed" : "");
    return 1;
}

// refs(ch): its table of references, for compiled code.
static int refs(lua_State *L)
{
    lagoon__value_refs(L, 1, lagoon__chan_self(L, "send"));
    return 1;
}

// -- shared --

static void adopt(lua_State *L, void *userdata, struct shared *shared)
{
    (void)L;
    struct chan *chan = userdata;
    chan->ch = shared->core;
}

static void free_chan(lg_runtime *rt, void *core)
{
    (void)rt;
    lg_chan_free(core);
}

const struct share_ops lagoon__chan_ops = {
    .size_bytes = sizeof(struct chan),
    .adopt = adopt,
    .free = free_chan,
};

void lagoon__open_chan(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"chan", chan_new},
                                         {"chan_send", send},
                                         {"chan_recv", recv},
                                         {"chan_close", close},
                                         {"chan_cap", cap},
                                         {"chan_refs", refs},
                                         {"chan_closed", is_closed},
                                         {"chan_length", length},
                                         {"chan_stop", stop},
                                         {"chan_try_send", try_send},
                                         {"chan_try_recv", try_recv},
                                         {"sending", sending},
                                         {"chan_send_on", send_on},
                                         {"chan_recv_from", recv_from},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {
        {"__gc", finalise}, {"__tostring", tostring}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_CHAN);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
