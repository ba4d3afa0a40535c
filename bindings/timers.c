// SPDX-License-Identifier: MIT
//
// The channel of after() and tick() owns its timer, so that a channel that
// nobody holds any more takes the timer with it. A timer with a function is
// kept alive by a slot for as long as it is pending.
#include "timers.h"

#include <lauxlib.h>
#include <string.h>

#include "chan.h"
#include "fail.h"
#include "go.h"
#include "state.h"
#include "wait.h"

// A timer of the core's, in the list of the state's that may still come.
struct pending {
    lg_timer timer;
    struct pending *next;
    struct pending **link; // what points to it; NULL: it is in no list
};

struct ticker {
    struct pending pending;
    struct chan *chan;
    int slot; // keeps a channel that others may wait on; 0: nothing does
    bool is_periodic;
    bool is_pending;
};

struct timer {
    struct object object;
    struct pending pending;
    int slot; // keeps the userdata alive; 0: not pending
};

static double now_seconds(struct script *s)
{
    return (double)lg_now(s->rt) / 1e9;
}

// -- what is pending --

static void unlink_pending(struct pending *pending)
{
    if (pending->link != NULL) {
        *pending->link = pending->next;
        if (pending->next != NULL) {
            pending->next->link = pending->link;
        }
        pending->link = NULL;
    }
}

static int start_pending(struct script *s, struct pending *pending, int64_t when_ns,
                         int64_t period_ns)
{
    int err = lg_timer_start(&pending->timer, when_ns, period_ns);
    if (err == LG_OK && pending->link == NULL) {
        pending->next = s->pending;
        pending->link = &s->pending;
        if (s->pending != NULL) {
            s->pending->link = &pending->next;
        }
        s->pending = pending;
    }
    return err;
}

static bool stop_pending(struct pending *pending)
{
    unlink_pending(pending);
    return lg_timer_stop(&pending->timer);
}

void lagoon__timers_stop(struct script *s)
{
    while (s->pending != NULL) {
        stop_pending(s->pending);
    }
}

// -- after, tick --

static void let_go(struct ticker *ticker)
{
    struct script *s = ticker->chan->object.script;
    if (ticker->slot != 0) {
        lagoon__unkeep(s->aux, s, ticker->slot);
        ticker->slot = 0;
    }
}

// While it is pending it may come into its strand: a worker is not closed.
static void set_pending(struct ticker *ticker, bool is_pending)
{
    lagoon__busy_add(ticker->chan->object.script,
                     (size_t)is_pending - (size_t)ticker->is_pending);
    ticker->is_pending = is_pending;
}

static void send_time(void *arg)
{
    struct ticker *ticker = arg;
    struct script *s = ticker->chan->object.script;
    struct value value = lagoon__value_of_number(now_seconds(s));
    if (!ticker->is_periodic) {
        unlink_pending(&ticker->pending);
    }
    set_pending(ticker, ticker->is_periodic);
    lg_chan_send(ticker->chan->ch, &value, 0);
    if (!ticker->is_pending) {
        let_go(ticker);
    }
}

bool lagoon__ticker_stop(struct chan *chan)
{
    struct ticker *ticker = chan->ticker;
    set_pending(ticker, false);
    let_go(ticker);
    return stop_pending(&ticker->pending);
}

bool lagoon__ticker_share(lua_State *L, struct chan *chan, int index)
{
    struct ticker *ticker = chan->ticker;
    if (ticker != NULL && ticker->is_pending) {
        if (ticker->slot == 0) {
            lua_pushvalue(L, index);
            ticker->slot = lagoon__keep(L, chan->object.script);
        }
        return true;
    }
    return false;
}

void lagoon__ticker_unshare(struct chan *chan)
{
    let_go(chan->ticker);
}

bool lagoon__ticker_is_pending(const struct chan *chan)
{
    return chan->ticker != NULL && chan->ticker->is_pending;
}

void lagoon__ticker_free(struct chan *chan)
{
    struct ticker *ticker = chan->ticker;
    struct script *s = chan->object.script;
    if (ticker == NULL) {
        return;
    }
    chan->ticker = NULL;
    if (ticker->is_pending && s->rt != NULL) {
        stop_pending(&ticker->pending);
    }
    set_pending(ticker, false);
    lagoon__realloc(s, ticker, sizeof *ticker, 0);
}

// When a channel that nobody holds is collected is chance: in a deterministic runtime it
// does not take its timer along. It is on top.
static void keep_in_order(lua_State *L, struct ticker *ticker)
{
    struct script *s = ticker->chan->object.script;
    if (lg_is_deterministic(s->rt)) {
        lua_pushvalue(L, -1);
        ticker->slot = lagoon__keep(L, s);
    }
}

// Pushes a channel that gets the time after a delay, and then every period.
static int push_ticker(lua_State *L, int64_t delay_ns, int64_t period_ns)
{
    struct script *s = lagoon__script(L);
    struct chan *chan = lagoon__chan_new(L, s, 1);
    struct ticker *ticker = lagoon__realloc(s, NULL, 0, sizeof *ticker);
    if (ticker == NULL) {
        lagoon__raise_memory(L);
    }
    memset(ticker, 0, sizeof *ticker);
    ticker->chan = chan;
    ticker->is_periodic = period_ns > 0;
    chan->ticker = ticker;
    lg_timer_init(&ticker->pending.timer, s->rt, s->strand, send_time, ticker);
    lagoon__hidden(L, s, sizeof *ticker);
    int64_t when_ns = lagoon__after(s, delay_ns);
    if (when_ns != LG_NEVER) {
        if (start_pending(s, &ticker->pending, when_ns, period_ns) != LG_OK) {
            lagoon__raise_memory(L);
        }
        set_pending(ticker, true);
        keep_in_order(L, ticker);
    }
    return 1;
}

static int after(lua_State *L)
{
    return push_ticker(L, lagoon__seconds(L, 1, 1, "after"), 0);
}

static int tick(lua_State *L)
{
    int64_t period_ns = lagoon__seconds(L, 1, 1, "tick");
    if (period_ns == 0) {
        lagoon__raise_argument(L, 1, "tick", "seconds must be more than 0, got %.14g",
                               lua_tonumber(L, 1));
    }
    return push_ticker(L, period_ns, period_ns);
}

// -- timer --

// Starts the function of the timer whose pointer is the argument.
static int start_function(lua_State *L)
{
    struct timer *timer = lua_touserdata(L, 1);
    struct script *s = timer->object.script;
    int slot = timer->slot;
    timer->slot = 0;
    lagoon__push_kept(L, s, slot);
    lagoon__unkeep(L, s, slot);
    lua_getfenv(L, -1);
    lua_rawgeti(L, -1, 1);
    lg_ref ref;
    struct script_g *sg = lagoon__go(L, s, 0, &ref);
    lua_rawgeti(L, -1, 2);
    sg->birth.source = lua_touserdata(L, -1);
    lua_rawgeti(L, -2, 3);
    sg->birth.line = (int)lua_tointeger(L, -1);
    return 0;
}

static void fire(void *arg)
{
    struct timer *timer = arg;
    struct script *s = timer->object.script;
    unlink_pending(&timer->pending);
    if (s->is_over) {
        return;
    }
    if (lua_cpcall(s->aux, start_function, timer) != 0) {
        lua_pop(s->aux, 1); // no memory for a goroutine: as if it had failed at once
    }
    if (timer->slot != 0) { // nor for the attempt
        lagoon__unkeep(s->aux, s, timer->slot);
        timer->slot = 0;
    }
    lagoon__busy_end(s); // the goroutine counts by now
}

static void start_timer(lua_State *L, struct timer *timer, int64_t delay_ns)
{
    struct script *s = timer->object.script;
    int64_t when_ns = lagoon__after(s, delay_ns);
    if (timer->slot == 0) {
        lua_pushvalue(L, 1);
        timer->slot = lagoon__keep(L, s);
        lagoon__busy_add(s, 1);
    }
    if (when_ns != LG_NEVER && start_pending(s, &timer->pending, when_ns, 0) != LG_OK) {
        lagoon__raise_memory(L);
    }
}

static int timer_new(lua_State *L)
{
    struct script *s = lagoon__script(L);
    int64_t delay_ns = lagoon__seconds(L, 1, 1, "timer");
    lagoon__check_callable(L, 2, "timer");
    lua_settop(L, 2);
    struct timer *timer = lagoon__object_new(L, s, KIND_TIMER, sizeof *timer);
    lua_createtable(L, 3, 0);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, 1);
    struct birthplace birth = lagoon__birthplace(L, s);
    lua_pushlightuserdata(L, (void *)(uintptr_t)birth.source);
    lua_rawseti(L, -2, 2);
    lua_pushinteger(L, birth.line);
    lua_rawseti(L, -2, 3);
    lua_setfenv(L, -2);
    lua_replace(L, 1);
    lg_timer_init(&timer->pending.timer, lagoon__rt(L, s), s->strand, fire, timer);
    start_timer(L, timer, delay_ns);
    lua_settop(L, 1);
    return 1;
}

// Whether it was pending; then it does not fire.
static bool stop_timer(lua_State *L, struct timer *timer)
{
    if (timer->slot == 0) {
        return false;
    }
    stop_pending(&timer->pending);
    lagoon__unkeep(L, timer->object.script, timer->slot);
    timer->slot = 0;
    lagoon__busy_end(timer->object.script);
    return true;
}

static int timer_stop(lua_State *L)
{
    lua_pushboolean(L, stop_timer(L, lagoon__self(L, KIND_TIMER, "stop")));
    return 1;
}

static int timer_reset(lua_State *L)
{
    struct timer *timer = lagoon__self(L, KIND_TIMER, "reset");
    int64_t delay_ns = lagoon__seconds(L, 2, 1, "reset");
    bool was_pending = stop_timer(L, timer);
    start_timer(L, timer, delay_ns);
    lua_pushboolean(L, was_pending);
    return 1;
}

// -- sleep, now --

static int sleep(lua_State *L)
{
    struct script *s = lagoon__script(L);
    int64_t delay_ns = lagoon__seconds(L, 1, 1, "sleep");
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    int rc = sg == &s->outside ? LG_EAGAIN
             : delay_ns == 0   ? lg_yield()
                               : lg_sleep_until(lagoon__after(s, delay_ns));
    return lagoon__settle(L, sg, rc, lagoon__finish_plain);
}

static int now(lua_State *L)
{
    lua_pushnumber(L, now_seconds(lagoon__script(L)));
    return 1;
}

void lagoon__open_timers(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"after", after},     {"tick", tick},
        {"timer", timer_new}, {"timer_stop", timer_stop},
        {"sleep", sleep},     {"timer_reset", timer_reset},
        {"now", now},         {NULL, NULL}};
    lagoon__register(L, s, functions);
}
