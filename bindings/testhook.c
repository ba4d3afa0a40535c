// SPDX-License-Identifier: MIT
#include "testhook.h"

#include <errno.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "collect.h"
#include "covered.h"
#include "decision.h"
#include "fail.h"
#include "hub.h"
#include "interruptible.h"
#include "preempt.h"
#include "remote.h"
#include "state.h"

enum {
    QUIET = 10000, // instructions between two looks, where nothing is preempted
    SCALES = 11,   // distances of random points: up to 2^0, 2^1, ... 2^10 instructions
    ALARM_AGAIN_NS = 100 * 1000 * 1000,
};

// Of all states of the runtime.
struct testing {
    // NULL: lines are not counted. Set once, by the first state, while the hooks of others may
    // look at it already.
    _Atomic(struct covered *) covered;
    // Of the points; 0: there are none. Relaxed: a state that sees it late, or early, draws its
    // points from another place.
    _Atomic uint64_t seed;
    _Atomic uint32_t nstates;
    _Atomic bool is_hooked; // states have the hook
    // -- the first state's strand --
    int64_t alarm_ns; // when it rings; 0: never
    int alarm_ref;    // the function, in its registry
    int exit_ref; // the same, for what os.exit() raises; LUA_NOREF: it ends the process
};

static void on_event(lua_State *L, lua_Debug *ar);

static struct covered *covered_of(const struct testing *testing)
{
    // acquire: pairs with the release in cover(); what has been made
    return atomic_load_explicit(&testing->covered, memory_order_acquire);
}

static void set_hook(lua_State *L, struct script *s, int count)
{
    struct testing *testing = s->test.testing;
    // relaxed: a state that is made at this moment has the hook, or has not
    atomic_store_explicit(&testing->is_hooked, true, memory_order_relaxed);
    lua_sethook(L, on_event, LUA_MASKCOUNT | (covered_of(testing) ? LUA_MASKLINE : 0),
                count);
}

// -- random points --

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

// Short distances are as likely as long ones: some races need two switches within a few
// instructions, others some work in between.
static int distance(struct test_hook *test)
{
    unsigned scale = (unsigned)(splitmix64(&test->random) % SCALES);
    return 1 + (int)(splitmix64(&test->random) & ((1U << scale) - 1));
}

// The seed, which may be another since the last look: then the state begins anew with it.
static uint64_t look_at_seed(struct test_hook *test)
{
    // relaxed: see struct testing
    uint64_t seed = atomic_load_explicit(&test->testing->seed, memory_order_relaxed);
    if (seed != test->seed) {
        test->seed = seed;
        test->random = seed + test->number * 0xd1342543de82ef95ULL;
    }
    return seed;
}

// How many instructions come before the next look.
static int next_look(struct test_hook *test)
{
    return look_at_seed(test) != 0 ? distance(test) : QUIET;
}

// -- lines --

static void note_line(lua_State *L, lua_Debug *ar, const struct testing *testing)
{
    struct covered *covered = covered_of(testing);
    if (covered == NULL) {
        return;
    }
    lua_getinfo(L, "Sl", ar);
    if (ar->source[0] == '@') {
        lagoon__covered_hit(covered, ar->source + 1, ar->currentline);
    }
}

// -- the hook --

// Whether the alarm rang: who computes may have been cancelled by it.
static bool look_at_alarm(lua_State *L, struct script *s)
{
    struct testing *testing = s->test.testing;
    if (s->worker != NULL || testing->alarm_ns == 0 ||
        lagoon__clock_ns() < testing->alarm_ns) {
        return false;
    }
    testing->alarm_ns += ALARM_AGAIN_NS;
    lua_rawgeti(L, LUA_REGISTRYINDEX, testing->alarm_ref);
    if (lua_pcall(L, 0, 0, 0) != 0) {
        lua_pop(L, 1);
    }
    return true;
}

static void on_count(lua_State *L, lua_Debug *ar, struct script *s)
{
    int saved_errno = errno;
    bool has_rung = look_at_alarm(L, s);
    bool is_random = look_at_seed(&s->test) != 0;
    errno = saved_errno;
    if (!has_rung && !is_random) {
        set_hook(L, s, QUIET);
        return;
    }
    enum decision decision = lagoon__decide(L, s);
    if (decision == TRY_AGAIN) {
        set_hook(L, s, 1);
        return;
    }
    s->armed.ntries = 0;
    set_hook(L, s, next_look(&s->test));
    if (decision == BE_TOLD || (decision == MAKE_ROOM && is_random)) {
        note_line(L, ar, s->test.testing); // its own event may be skipped
        lagoon__preempt_obey(L, decision);
    }
}

static void on_event(lua_State *L, lua_Debug *ar)
{
    struct script *s = lagoon__preempt_script(L);
    if (s->test.testing == NULL) {
        return;
    }
    if (ar->event == LUA_HOOKCOUNT) {
        on_count(L, ar, s);
    } else if (ar->event == LUA_HOOKLINE) {
        note_line(L, ar, s->test.testing);
    }
}

// -- for Lua --

// In the first state. Raises.
static struct testing *testing_of(lua_State *L, struct script *s)
{
    if (s->test.testing == NULL) {
        struct hub *hub = lagoon__hub_of(L, s);
        struct testing *testing = calloc(1, sizeof *testing);
        if (testing == NULL) {
            lagoon__raise_memory(L);
        }
        testing->alarm_ref = testing->exit_ref = LUA_NOREF;
        s->test.testing = testing;
        pthread_mutex_lock(&hub->lock);
        hub->testing = testing;
        pthread_mutex_unlock(&hub->lock);
    }
    return s->test.testing;
}

void lagoon__testhook_exit(lua_State *L, struct script *s)
{
    struct testing *testing = s->test.testing;
    if (testing == NULL) {
        return;
    }
    if (s->worker != NULL) {
        lagoon__raise(L, "os.exit was called in a task of a test");
    }
    if (testing->exit_ref != LUA_NOREF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, testing->exit_ref);
        if (lua_gettop(L) > 1) {
            lua_pushvalue(L, 1);
        } else {
            lua_pushnil(L);
        }
        lua_call(L, 1, 1);
        lagoon__raise(L, "%s", luaL_checkstring(L, -1));
    }
}

// test_exit(f): os.exit(code) raises f(code) from now on, and always in tasks; without f it
// ends the process again.
static int test_exit(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct testing *testing = testing_of(L, s);
    luaL_unref(L, LUA_REGISTRYINDEX, testing->exit_ref);
    lua_settop(L, 1);
    testing->exit_ref = lua_isnil(L, 1) ? LUA_NOREF : luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

// race_order(seed): from now on points of that seed; without one there are none.
static int race_order(lua_State *L)
{
    struct script *s = lagoon__script(L);
    uint64_t seed = lua_isnoneornil(L, 1) ? 0 : (uint64_t)luaL_checknumber(L, 1) + 1;
    // relaxed: see struct testing
    atomic_store_explicit(&testing_of(L, s)->seed, seed, memory_order_relaxed);
    s->test.seed = 0;
    set_hook(L, s, next_look(&s->test));
    return 0;
}

// test_hold(is_held): whether this state's goroutines run until they wait, for specs about the order
// in which they come. One that loops for ever then hears of no cancellation either.
static int test_hold(lua_State *L)
{
    lagoon__script(L)->test.is_held = lua_toboolean(L, 1);
    return 0;
}

// cover(): from now on lines are counted.
static int cover(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct testing *testing = testing_of(L, s);
    if (covered_of(testing) == NULL) {
        struct covered *covered = lagoon__covered_new();
        if (covered == NULL) {
            lagoon__raise_memory(L);
        }
        // release: pairs with the acquire in covered_of()
        atomic_store_explicit(&testing->covered, covered, memory_order_release);
    }
    set_hook(L, s, next_look(&s->test));
    return 0;
}

// Pushes a table: how often each line of a file has run.
static void push_hits(lua_State *L, struct covered *covered, struct covered_file *file)
{
    size_t cap = lagoon__covered_copy(covered, file, NULL, 0);
    uint64_t *hits = lua_newuserdata(L, cap * sizeof *hits + 1);
    size_t nlines = lagoon__covered_copy(covered, file, hits, cap);
    nlines = nlines < cap ? nlines : cap;
    lua_newtable(L);
    for (size_t line = 1; line < nlines; line++) {
        if (hits[line] > 0) {
            lua_pushnumber(L, (lua_Number)hits[line]);
            lua_rawseti(L, -2, (int)line);
        }
    }
    lua_remove(L, -2);
}

// covered(): how often each line has run, by file; and whether that is all.
static int covered(lua_State *L)
{
    struct covered *covered = covered_of(testing_of(L, lagoon__script(L)));
    lua_newtable(L);
    if (covered == NULL) {
        return 1;
    }
    struct covered_file *file = NULL;
    while (lagoon__covered_next(covered, &file)) {
        lua_pushstring(L, lagoon__covered_name(file));
        push_hits(L, covered, file);
        lua_rawset(L, -3);
    }
    lua_pushboolean(L, lagoon__covered_is_whole(covered));
    return 2;
}

// test_alarm(seconds, f): has f called after so many seconds of real time, and then again and
// again, as soon as Lua code of this state computes; f must not wait. Without seconds not any more.
static int test_alarm(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct testing *testing = testing_of(L, s);
    luaL_unref(L, LUA_REGISTRYINDEX, testing->alarm_ref);
    testing->alarm_ref = LUA_NOREF;
    testing->alarm_ns = 0;
    if (!lua_isnoneornil(L, 1)) {
        double seconds = luaL_checknumber(L, 1);
        lua_settop(L, 2);
        testing->alarm_ref = luaL_ref(L, LUA_REGISTRYINDEX);
        testing->alarm_ns = lagoon__clock_ns() + (int64_t)(seconds * 1e9);
        set_hook(L, s, next_look(&s->test));
    }
    return 0;
}

// -- states --

void lagoon__testhook_join(lua_State *L, struct script *s)
{
    pthread_mutex_lock(&s->hub->lock);
    s->test.testing = s->hub->testing;
    pthread_mutex_unlock(&s->hub->lock);
    // relaxed: see set_hook()
    if (s->test.testing != NULL &&
        atomic_load_explicit(&s->test.testing->is_hooked, memory_order_relaxed)) {
        // relaxed: only different ones are wanted
        s->test.number = 1 + atomic_fetch_add_explicit(&s->test.testing->nstates, 1,
                                                       memory_order_relaxed);
        set_hook(L, s, QUIET);
    }
}

void lagoon__testhook_fini(struct script *s)
{
    struct testing *testing = s->test.testing;
    s->test.testing = NULL;
    if (testing != NULL && s->worker == NULL) {
        struct covered *covered = covered_of(testing);
        if (covered != NULL) {
            lagoon__covered_free(covered);
        }
        free(testing);
    }
}

void lagoon__open_testhook(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"test_exit", test_exit},
                                         {"race_order", race_order},
                                         {"test_hold", test_hold},
                                         {"cover", cover},
                                         {"covered", covered},
                                         {"test_alarm", test_alarm},
                                         {NULL, NULL}};
    lagoon__register(L, s, functions);
}
