// SPDX-License-Identifier: MIT
#include "preempt.h"

#include <errno.h>

#include "decision.h"
#include "fail.h"
#include "interruptible.h"
#include "luajit/door.h"
#include "out.h"
#include "state.h"
#include "task.h"
#include "wait.h"
#include "watchdog.h"

// The hook is the state's: another goroutine may have come to it than was to be asked.
struct script *lagoon__preempt_script(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LAGOON_SCRIPT_KEY);
    struct script *s = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return s;
}

// The instruction before may have been a call through the FFI, the next one may ask for
// its errno.
static int finish_room(lua_State *L, struct script_g *sg, int rc)
{
    (void)L;
    (void)rc;
    errno = sg->saved_errno;
    return 0;
}

bool lagoon__was_interrupted(const struct script_g *sg)
{
    return sg->is_armed && sg->finish == finish_room;
}

// The goroutine keeps its C stack. No hook is active while others run.
static void donate(lua_State *L, struct script_g *sg)
{
    lagoon__door()->leave(L);
    sg->finish = NULL;
    lagoon__keep_stack(L, sg);
    lagoon__door()->enter(L);
}

static bool can_yield(lua_State *L, const struct script_g *sg)
{
    return L == sg->co && lua_isyieldable(L);
}

static void make_room(lua_State *L, struct script_g *sg, bool may_skip)
{
    sg->parked_on = PARKED_ELSEWHERE;
    sg->saved_errno = errno;
    lg_yield(); // is over at once: the strand puts it behind the others
    if (!may_skip || !can_yield(L, sg)) {
        donate(L, sg);
        return;
    }
    sg->finish = finish_room;
    sg->is_armed = true;
    sg->top = 0; // as the interpreter leaves a coroutine that yields from a hook
    lua_yield(L, 0);
}

// Raises the reason, as a blocking call would. Handlers of errors run outside of the hook.
static void tell(lua_State *L, struct script_g *sg)
{
    lua_Debug ar;
    if (lua_getstack(L, 0, &ar)) {
        lua_getinfo(L, "l", &ar);
        sg->told_line = ar.currentline;
    }
    lg_sleep_until(1); // takes the cancellation, and does not wait for that long past
    if (lagoon__door() != NULL) {
        lagoon__door()->leave(L);
    }
    lagoon__raise_reason(L, sg);
}

// Puts the script's hook back, which is called now if its count is over.
static void disarm(lua_State *L, lua_Debug *ar, struct script *s)
{
    s->armed.ntries = 0;
    if (lagoon__door()->disarm(L, &s->armed.old)) {
        s->armed.old.hook(L, ar);
    }
}

// Tells a profile where the goroutine stands. Reads only, so it may be anywhere.
static void be_sampled(lua_State *L, struct script *s)
{
    struct script_g *sg = lg_extra_self();
    // relaxed: set on this thread
    if (atomic_exchange_explicit(&s->armed.is_for_sample, false, memory_order_relaxed) &&
        sg != NULL && sg->script == s) {
        s->armed.sampled = L;
        lg_profile_look();
        s->armed.sampled = NULL;
    }
}

static void make_room_or_be_told(lua_State *L, lua_Debug *ar, struct script *s)
{
    enum decision decision = lagoon__decide(L, s);
    if (decision == TRY_AGAIN) {
        return;
    }
    // relaxed: as above
    atomic_store_explicit(&s->armed.is_for_room, false, memory_order_relaxed);
    disarm(L, ar, s);
    if (decision != GO_ON) {
        lagoon__watchdog_look(L, L, lg_extra_self());
    }
    if (decision == MAKE_ROOM) {
        // a yield would skip what a hook of the script's is still to be told of
        make_room(L, lg_extra_self(), lua_gethook(L) == NULL);
    } else if (decision == BE_TOLD) {
        tell(L, lg_extra_self());
    }
}

static void on_hook(lua_State *L, lua_Debug *ar)
{
    struct script *s = lagoon__preempt_script(L);
    if (ar->event != LUA_HOOKCOUNT) {
        s->armed.old.hook(L, ar); // only the script's has others
        return;
    }
    s->armed.old.left--;
    be_sampled(L, s);
    // relaxed: set on this thread
    if (atomic_load_explicit(&s->armed.is_for_room, memory_order_relaxed)) {
        make_room_or_be_told(L, ar, s);
    } else if (!lagoon__door()->is_recording(L)) {
        disarm(L, ar, s);
    }
}

// Whether the hook may be armed in a state. In a signal handler, as what follows.
static bool is_open(const struct script *s)
{
    return !s->not_interrupted && !s->is_over && !s->is_probing;
}

void lagoon__preempt_obey(lua_State *L, enum decision decision)
{
    struct script_g *sg = lg_extra_self();
    if (decision == BE_TOLD) {
        tell(L, sg);
    } else if (can_yield(L, sg) || lagoon__door() != NULL) {
        make_room(L, sg, true);
    }
}

bool lagoon__interrupt(lg_strand *strand, lg_g *g, void *extra, const void *pc)
{
    (void)strand;
    (void)g;
    struct script_g *sg = extra;
    struct armed *armed = &sg->script->armed;
    // the seed's points are to be all, and they are near (testhook.c)
    bool has_random_points = sg->script->test.seed != 0;
    if (has_random_points || sg->script->test.is_held || !is_open(sg->script) ||
        !lagoon__door()->arm(sg->co, pc, on_hook, &armed->old)) {
        return false;
    }
    // relaxed: for this thread
    atomic_store_explicit(&armed->is_for_room, true, memory_order_relaxed);
    return true;
}

// A sample is about what was interrupted, so a C function must not pass unseen: the hook is
// called when it returns.
void lagoon__sample(lg_strand *strand, lg_g *g, void *extra, const void *pc)
{
    (void)strand;
    (void)g;
    struct script_g *sg = extra;
    struct armed *armed = &sg->script->armed;
    if (is_open(sg->script) && (lagoon__door()->arm(sg->co, pc, on_hook, &armed->old) ||
                                lagoon__door()->arm_in_c(sg->co, on_hook, &armed->old))) {
        // relaxed: for this thread
        atomic_store_explicit(&armed->is_for_sample, true, memory_order_relaxed);
    }
}
