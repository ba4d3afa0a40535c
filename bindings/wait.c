// SPDX-License-Identifier: MIT
#include "wait.h"

#include <lauxlib.h>

#include "clock.h"
#include "fail.h"
#include "refusal.h"
#include "require.h"
#include "task.h"

static const char not_here[] =
    "cannot wait here, outside a goroutine: " LAGOON_HOW_TO_WAIT;
static const char in_an_end[] = "cannot block while the error of a task is being sent";

struct script_g *lagoon__waiter(lua_State *L, struct script *s, int64_t *deadline_ns)
{
    struct script_g *sg = lg_extra_self();
    bool is_goroutine = sg != NULL && sg->script == s;
    s->refusal = NULL;
    if (is_goroutine) {
        sg->parked_on = PARKED_ELSEWHERE;
        sg->must_donate = L != sg->co || !lua_isyieldable(L);
        if (!sg->must_donate) {
            return sg;
        }
    }
    if (*deadline_ns == 0) {
        return &s->outside; // a time-out is the worst that can happen
    }
    s->refusal = s->is_ending   ? in_an_end
                 : is_goroutine ? lagoon__refusal(L, sg)
                                : not_here;
    if (s->refusal == NULL) {
        return sg;
    }
    *deadline_ns = 0;
    return &s->outside;
}

void lagoon__refuse(lua_State *L, struct script *s)
{
    lagoon__raise(L, "%s", s->refusal);
}

// A script that is over runs no more Lua code: its goroutines sleep until the
// runtime is closed, which drops them where they stand.
void lagoon__donated(struct script_g *sg)
{
    while (sg->script->is_over) {
        if (lg_sleep_until(LG_NEVER) == LG_WAIT) {
            lg_wait();
        }
    }
    sg->donor = NULL;
}

static void look_at_loads(lua_State *L, struct script_g *sg)
{
    if (sg->script->loads != NULL) {
        lagoon__loads_look(L, sg);
    }
}

struct script_g *lagoon__donor(lua_State *L, struct script *s)
{
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    struct script_g *self = lg_extra_self();
    if (sg != &s->outside) {
        look_at_loads(L, sg);
        sg->donor = L;
        sg->finish = NULL;
        return sg;
    }
    if (self != NULL && self->script == s) {
        lagoon__refuse(L, s);
    }
    return NULL;
}

int lagoon__keep_stack(lua_State *L, struct script_g *sg)
{
    look_at_loads(L, sg);
    sg->donor = L;
    int rc = lg_wait();
    lagoon__donated(sg);
    return rc;
}

static int settle(lua_State *L, struct script_g *sg, int rc, finish_fn *finish)
{
    if (rc != LG_WAIT) {
        if (rc == LG_EAGAIN && sg->script->refusal) {
            lagoon__refuse(L, sg->script);
        }
        return finish(L, sg, rc);
    }
    if (sg->is_told) {
        lg_cancel(lg_self()); // ends the wait that has just begun
    }
    sg->finish = finish;
    if (sg->must_donate) {
        return finish(L, sg, lagoon__keep_stack(L, sg));
    }
    sg->is_armed = true;
    sg->top = lua_gettop(L);
    // The arguments stay on the stack: the wait needs their objects.
    return lua_yield(L, sg->top);
}

int lagoon__settle(lua_State *L, struct script_g *sg, int rc, finish_fn *finish)
{
    sg->is_making = false;
    return settle(L, sg, rc, finish);
}

int lagoon__settle_making(lua_State *L, struct script_g *sg, int rc, finish_fn *finish)
{
    sg->is_making = true;
    return settle(L, sg, rc, finish);
}

int lagoon__finish_raise(lua_State *L, const char *message)
{
    lua_pushinteger(L, WAIT_RAISE);
    lua_pushstring(L, message);
    return 2;
}

int lagoon__finish_plain(lua_State *L, struct script_g *sg, int rc)
{
    switch (rc) {
    case LG_OK: lua_pushinteger(L, WAIT_OK); return 1;
    case LG_EAGAIN:
    case LG_ETIMEDOUT: lua_pushinteger(L, WAIT_TIMEOUT); return 1;
    case LG_ECANCELED: return lagoon__push_reason(L, sg);
    default: return lagoon__finish_raise(L, lg_strerror(rc));
    }
}

int64_t lagoon__seconds(lua_State *L, int index, int n, const char *name)
{
    if (lua_type(L, index) != LUA_TNUMBER) {
        lagoon__raise_argument(L, n, name, "seconds must be a number, got %s",
                               lagoon__type_name(L, index));
    }
    double seconds = lua_tonumber(L, index);
    if (seconds != seconds) {
        lagoon__raise_argument(L, n, name, "seconds must be a number, got nan");
    }
    if (seconds <= 0) {
        return 0;
    }
    double ns = seconds * 1e9;
    return ns < (double)(LG_NEVER / 2) ? (int64_t)ns : LG_NEVER;
}

int64_t lagoon__after_on(int64_t now_ns, int64_t delay_ns)
{
    return delay_ns > LG_NEVER - now_ns ? LG_NEVER : now_ns + delay_ns;
}

int64_t lagoon__after(struct script *s, int64_t delay_ns)
{
    return lagoon__after_on(lagoon__clock_read(s), delay_ns);
}

int64_t lagoon__deadline(lua_State *L, int index, int n, const char *name)
{
    if (lua_isnoneornil(L, index)) {
        return LG_NEVER;
    }
    int64_t delay_ns = lagoon__seconds(L, index, n, name);
    return delay_ns == 0 ? 0 : lagoon__after(lagoon__script(L), delay_ns);
}

int64_t lagoon__io_deadline(lua_State *L, int index, int n, const char *name)
{
    if (lua_isnoneornil(L, index)) {
        return LG_NEVER;
    }
    int64_t delay_ns = lagoon__seconds(L, index, n, name);
    return delay_ns == 0 ? 0 : lagoon__after_on(lg_now(lagoon__script(L)->rt), delay_ns);
}
