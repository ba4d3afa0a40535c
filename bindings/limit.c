// SPDX-License-Identifier: MIT
#include "limit.h"

#include <lagoon.h>
#include <lauxlib.h>
#include <stdatomic.h>
#include <stdint.h>

#include "fail.h"
#include "hub.h"
#include "parallel.h"
#include "parcel.h"
#include "remote.h"
#include "state.h"
#include "timers.h"
#include "wait.h"
#include "worker.h"

enum {
    CLOSING_STACK_BYTES = 1024 * 1024, // finalisers are Lua code
    LOOK_NS = 1000 * 1000,             // whether the last goroutine has gone to sleep
    // Garbage counts until it is collected: cycles follow one another, and are short.
    PAUSE_PERCENT = 100,
    STEPMUL_PERCENT = 400,
};

struct limit {
    // -- fixed --
    struct hub *hub;
    struct task_core *core;
    lg_handle *kept; // the core

    // -- whoever is inside the strand --
    size_t max_bytes;
    size_t used_bytes;
    bool is_counted; // the state is made, what comes is the function's

    // -- any thread --
    _Atomic bool is_exceeded;
    _Atomic bool has_verdict;
    lg_waitgroup verdict; // 1 until there is one

    // -- the hub's lock --
    struct worker *worker; // NULL: not yet, or there was no memory
    bool is_placed;        // has its worker, or will have none
    bool is_given_up;      // nobody waits any more

    // -- closing --
    lg_post over;
    lg_waitgroup stopped;
};

// -- memory --

static void give_verdict(struct limit *limit)
{
    // relaxed: only who is the first; the waitgroup orders the rest
    if (!atomic_exchange_explicit(&limit->has_verdict, true, memory_order_relaxed)) {
        lg_waitgroup_add(&limit->verdict, -1);
    }
}

static void *allocate(void *ud, void *ptr, size_t osize, size_t nsize)
{
    struct limit *limit = ud;
    if (limit->is_counted && nsize > osize &&
        nsize - osize > limit->max_bytes - limit->used_bytes) {
        // release: pairs with the acquire in end()
        atomic_store_explicit(&limit->is_exceeded, true, memory_order_release);
        give_verdict(limit);
        return NULL;
    }
    void *block = lagoon__allocate(limit->hub->rt, ptr, osize, nsize);
    if (block != NULL || nsize == 0) {
        limit->used_bytes += nsize - osize;
    }
    return block;
}

lua_State *lagoon__limit_new_state(struct limit *limit)
{
    return limit->max_bytes == SIZE_MAX ? lagoon__new_state(limit->hub->rt)
                                        : lagoon__new_state_with(allocate, limit);
}

// -- made --

struct limit *lagoon__limit_new(struct hub *hub, struct task_core *core, size_t max_bytes)
{
    struct limit *limit = lg_calloc(hub->rt, 1, sizeof *limit);
    if (limit == NULL || lg_handle_new(hub->rt, core->shared, &limit->kept) != LG_OK) {
        lg_free(hub->rt, limit);
        return NULL;
    }
    limit->hub = hub;
    limit->core = core;
    limit->max_bytes = max_bytes;
    lg_waitgroup_add(&limit->verdict, 1);
    return limit;
}

void lagoon__limit_free(struct limit *limit)
{
    lg_handle_free(limit->kept);
    lg_free(limit->hub->rt, limit);
}

// -- closing --

// Inside the strand, between two goroutines.
static void on_over(lg_post *post)
{
    struct limit *limit =
        (struct limit *)(void *)((char *)post - offsetof(struct limit, over));
    limit->worker->script->is_over = true;
    lagoon__timers_stop(limit->worker->script);
    lg_waitgroup_add(&limit->stopped, -1);
}

// Who looks for the task elsewhere finds it ended.
static void end_task(struct task_core *core)
{
    if (lagoon__remote_state(core) < TASK_DONE) {
        core->why = "the task has exceeded its limit";
        lagoon__remote_set_ended(core, TASK_FAILED);
    }
}

// A goroutine that computes makes room within a slice; others that can run only go to
// sleep. Then the strand is idle, and nothing is posted to it any more.
static void close_state(void *arg)
{
    struct limit *limit = arg;
    struct worker *worker = limit->worker;
    lg_waitgroup_add(&limit->stopped, 1);
    limit->over.fn = on_over;
    lg_strand_post(worker->strand, &limit->over);
    lg_waitgroup_wait(&limit->stopped, LG_NEVER);
    while (!lg_strand_is_idle(worker->strand)) {
        lg_sleep_until(lg_now(limit->hub->rt) + LOOK_NS);
    }
    lg_strand_close(worker->strand);
    end_task(limit->core);
    lagoon__worker_close(worker);
    lagoon__limit_free(limit);
}

// Both who waited and who placed it are done with it.
static void close_limit(struct limit *limit)
{
    lg_go_options options = {.name = "limit closer",
                             .stack_size_bytes = CLOSING_STACK_BYTES};
    if (limit->worker == NULL) {
        lagoon__limit_free(limit);
        return;
    }
    if (lg_go(limit->hub->rt, close_state, limit, &options, NULL) != LG_OK) {
        limit->over.fn = on_over; // without memory the state is left as it is
        lg_waitgroup_add(&limit->stopped, 1);
        lg_strand_post(limit->worker->strand, &limit->over);
    }
}

// -- placed --

// What is held so far does not count.
static void start_counting(struct limit *limit, lua_State *L)
{
    size_t used = limit->used_bytes;
    if (limit->max_bytes != SIZE_MAX) {
        limit->max_bytes =
            limit->max_bytes > SIZE_MAX - used ? SIZE_MAX : limit->max_bytes + used;
        limit->is_counted = true;
        lua_gc(L, LUA_GCSETPAUSE, PAUSE_PERCENT);
        lua_gc(L, LUA_GCSETSTEPMUL, STEPMUL_PERCENT);
        lua_gc(L, LUA_GCCOLLECT, 0);
    }
}

void lagoon__limit_place(struct limit *limit, struct task_core *core)
{
    struct hub *hub = limit->hub;
    struct worker *worker = lagoon__worker_open(hub, limit);
    if (worker == NULL) {
        lagoon__remote_drop(core, "cannot make a Lua state: not enough memory");
    } else {
        start_counting(limit, worker->L);
        lagoon__worker_give(worker, core);
    }
    pthread_mutex_lock(&hub->lock);
    limit->worker = worker;
    limit->is_placed = true;
    bool is_ours = limit->is_given_up;
    pthread_mutex_unlock(&hub->lock);
    if (is_ours) {
        close_limit(limit);
    }
}

void lagoon__limit_ended(struct limit *limit)
{
    give_verdict(limit);
}

// -- Lua functions --

// limit_start(bytes or nil, f, ...): a task, for limit_wait() and limit_end(). Raises
// where that may not be waited for.
static int start(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lua_Number bytes = lua_tonumber(L, 1);
    size_t max_bytes =
        lua_isnil(L, 1) || bytes >= (lua_Number)SIZE_MAX ? SIZE_MAX : (size_t)bytes;
    int64_t deadline_ns = LG_NEVER;
    if (lagoon__waiter(L, s, &deadline_ns) == &s->outside) {
        lagoon__refuse(L, s);
    }
    lua_remove(L, 1);
    struct task_core *core = lagoon__parallel_new(L, s, "limit");
    core->limit = lagoon__limit_new(core->hub, core, max_bytes);
    if (core->limit == NULL) {
        lagoon__recall(core->call);
        lagoon__raise_memory(L);
    }
    lagoon__parallel_start(L, core);
    return 1;
}

// limit_wait(task, seconds): a code.
static int wait(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct task_core *core = lagoon__core_of(lua_touserdata(L, 1));
    int64_t deadline_ns = lagoon__deadline(L, 2, 1, "limit");
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    if (sg != &s->outside) {
        lg_wait_reason("limit");
    }
    int rc = lg_waitgroup_wait(&core->limit->verdict, deadline_ns);
    return lagoon__settle(L, sg, rc, lagoon__finish_plain);
}

// limit_end(task): whether it wanted too much memory. Once, behind limit_wait().
static int end(lua_State *L)
{
    struct task_core *core = lagoon__core_of(lua_touserdata(L, 1));
    struct limit *limit = core->limit;
    // acquire: pairs with the release in allocate()
    bool is_exceeded = atomic_load_explicit(&limit->is_exceeded, memory_order_acquire);
    pthread_mutex_lock(&limit->hub->lock);
    limit->is_given_up = true;
    bool is_ours = limit->is_placed;
    pthread_mutex_unlock(&limit->hub->lock);
    if (is_ours) {
        close_limit(limit);
    }
    lua_pushboolean(L, is_exceeded);
    return 1;
}

void lagoon__open_limit(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"limit_start", start}, {"limit_wait", wait}, {"limit_end", end}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
