// SPDX-License-Identifier: MIT
//
// Each does its whole job, or nothing and says so; the caller then takes the
// long way, which waits or raises. fast.lua has checked what kind of object it
// hands over.
//
// A received value is left in a slot of the script's `out` (out.h), for Lua to read.
#include "fast.h"

#include <stddef.h>

#include "chan.h"
#include "clock.h"
#include "out.h"
#include "state.h"
#include "sync.h"

// What fast.lua gets instead of a tag, a slot or a position.
enum { FAST_NOT = -1, FAST_NOT_READY = -2 };

// The long way also raises what a cancelled task has to.
static bool is_open(const struct script *script)
{
    return script->rt != NULL && !lg_is_canceled();
}

// Whether a lock is one still: not that of a finalised userdata, or a closed runtime.
static bool is_usable(const struct object *object, const void *core)
{
    return object->script->rt != NULL && core != NULL;
}

static bool may_wait(const struct object *object, const void *core)
{
    return is_open(object->script) && core != NULL;
}

static bool is_live(const struct chan *chan)
{
    return chan->ch != NULL && is_open(chan->object.script);
}

static int send(struct chan *chan, struct value value)
{
    return is_live(chan) && lg_chan_send(chan->ch, &value, 0) == LG_OK;
}

static int send_number(struct chan *chan, double number)
{
    return send(chan, lagoon__value_of_number(number));
}

// For values that are all in their tag: so many tags after VALUE_NIL.
static int send_tag(struct chan *chan, int tag)
{
    return send(chan, lagoon__value_of_tag((enum value_tag)(VALUE_NIL + (uint32_t)tag)));
}

// A slot for a reference, to be filled before it is sent; 0: there is none, or the
// channel is shared, and what it carries a copy.
static int get_ref(struct chan *chan)
{
    return is_live(chan) && !lagoon__chan_is_shared(chan)
               ? lagoon__slots_get(&chan->refs, chan->object.script)
               : 0;
}

// Sends the reference in a slot.
static int send_ref(struct chan *chan, int slot)
{
    struct value value = lagoon__value_of_tag(VALUE_REF);
    value.ref = slot;
    return send(chan, value);
}

// A slot is empty again.
static int put_ref(struct chan *chan, int slot)
{
    lagoon__slots_put(&chan->refs, slot);
    return 0;
}

// The call has received nothing.
static int give_back_out(struct script *script, int rc)
{
    lagoon__out_back(script, &script->out[script->out_at]);
    return rc == LG_EAGAIN ? FAST_NOT_READY : FAST_NOT;
}

// Receives. Returns the slot of `out`.
static int recv(struct chan *chan)
{
    if (!is_live(chan)) {
        return FAST_NOT;
    }
    struct script *script = chan->object.script;
    int rc = lg_chan_recv(chan->ch, lagoon__out_next(script), 0);
    return rc == LG_OK ? (int)script->out_at : give_back_out(script, rc);
}

static int length(struct chan *chan)
{
    return is_live(chan) ? (int)lg_chan_len(chan->ch) : FAST_NOT;
}

// Receives from one of n channels, at most 8. Returns which, from 0 on, and
// eight times the slot of `out`.
static int select_among(struct chan *const *chans, size_t n)
{
    lg_case cases[8];
    struct script *script = chans[0]->object.script;
    if (!is_live(chans[0])) {
        return FAST_NOT;
    }
    for (size_t i = 1; i < n; i++) {
        if (!chans[i]->ch) {
            return FAST_NOT;
        }
    }
    struct value *out = lagoon__out_next(script);
    for (size_t i = 0; i < n; i++) {
        cases[i] = (lg_case){.ch = chans[i]->ch, .elem = out, .op = LG_RECV};
    }
    size_t index;
    int rc = lg_select(cases, n, 0, &index);
    return rc == LG_OK ? (int)(index + 8 * script->out_at) : give_back_out(script, rc);
}

static int select4(int n, struct chan *a, struct chan *b, struct chan *c, struct chan *d)
{
    struct chan *const chans[] = {a, b, c, d};
    return select_among(chans, (size_t)n);
}

static int select8(int n, struct chan *a, struct chan *b, struct chan *c, struct chan *d,
                   struct chan *e, struct chan *f, struct chan *g, struct chan *h)
{
    struct chan *const chans[] = {a, b, c, d, e, f, g, h};
    return select_among(chans, (size_t)n);
}

static int mutex_lock(struct mutex *mutex)
{
    return may_wait(&mutex->object, mutex->core) &&
           lg_mutex_lock(mutex->core, 0) == LG_OK;
}

static int mutex_unlock(struct mutex *mutex)
{
    return is_usable(&mutex->object, mutex->core) &&
           lg_mutex_unlock(mutex->core) == LG_OK;
}

static int rwmutex_lock(struct rwmutex *rwmutex)
{
    return may_wait(&rwmutex->object, rwmutex->core) &&
           lg_rwmutex_lock(rwmutex->core, 0) == LG_OK;
}

static int rwmutex_unlock(struct rwmutex *rwmutex)
{
    return is_usable(&rwmutex->object, rwmutex->core) &&
           lg_rwmutex_unlock(rwmutex->core) == LG_OK;
}

static int rwmutex_rlock(struct rwmutex *rwmutex)
{
    return may_wait(&rwmutex->object, rwmutex->core) &&
           lg_rwmutex_rlock(rwmutex->core, 0) == LG_OK;
}

static int rwmutex_runlock(struct rwmutex *rwmutex)
{
    return is_usable(&rwmutex->object, rwmutex->core) &&
           lg_rwmutex_runlock(rwmutex->core) == LG_OK;
}

static int waitgroup_add(struct waitgroup *wg, int delta)
{
    return is_usable(&wg->object, wg->core) && lg_waitgroup_add(wg->core, delta) == LG_OK;
}

static int semaphore_acquire(struct semaphore *semaphore, int units)
{
    return may_wait(&semaphore->object, semaphore->core) && units > 0 &&
           units <= semaphore->units &&
           lg_semaphore_acquire(semaphore->core, units, 0) == LG_OK;
}

static int semaphore_release(struct semaphore *semaphore, int units)
{
    return is_usable(&semaphore->object, semaphore->core) && units > 0 &&
           lg_semaphore_release(semaphore->core, units) == LG_OK;
}

static double now(struct script *s)
{
    return s->rt ? (double)lagoon__clock_read(s) / 1e9 : 0;
}

// A table of light userdata; fast.lua knows the types by the names.
void lagoon__open_fast(lua_State *L, struct script *s)
{
    typedef void function(void);
    static const struct {
        const char *name;
        function *pointer;
    } pointers[] = {
        {"send_number", (function *)send_number},
        {"send_tag", (function *)send_tag},
        {"get_ref", (function *)get_ref},
        {"send_ref", (function *)send_ref},
        {"put_ref", (function *)put_ref},
        {"recv", (function *)recv},
        {"length", (function *)length},
        {"select4", (function *)select4},
        {"select8", (function *)select8},
        {"mutex_lock", (function *)mutex_lock},
        {"mutex_unlock", (function *)mutex_unlock},
        {"rwmutex_lock", (function *)rwmutex_lock},
        {"rwmutex_unlock", (function *)rwmutex_unlock},
        {"rwmutex_rlock", (function *)rwmutex_rlock},
        {"rwmutex_runlock", (function *)rwmutex_runlock},
        {"waitgroup_add", (function *)waitgroup_add},
        {"semaphore_acquire", (function *)semaphore_acquire},
        {"semaphore_release", (function *)semaphore_release},
        {"now", (function *)now},
    };
    lua_newtable(L);
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)pointers[i].pointer);
        lua_setfield(L, -2, pointers[i].name);
    }
    lua_pushlightuserdata(L, s);
    lua_setfield(L, -2, "script");
    lua_pushlightuserdata(L, s->out);
    lua_setfield(L, -2, "out");
    lua_pushlightuserdata(L, &s->out_at);
    lua_setfield(L, -2, "out_at");
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.fast_refs);
    lua_setfield(L, -2, "refs");
    lua_setfield(L, -2, "fast");
}
