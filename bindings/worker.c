// SPDX-License-Identifier: MIT
#include "worker.h"

#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <stdatomic.h>
#include <stddef.h>

#include "cap.h"
#include "collect.h"
#include "embedded.h"
#include "fail.h"
#include "go.h"
#include "limit.h"
#include "open.h"
#include "parcel.h"
#include "reload.h"
#include "remote.h"
#include "state.h"

// -- tasks --

static void begin(struct worker *worker, struct task_core *task)
{
    while (task != NULL && !lagoon__remote_begin(worker, task)) {
        task = lagoon__hub_next(worker->hub, worker);
    }
    if (task != NULL && !task->is_blocking && !task->is_alone) { // else its end posts it
        lg_strand_post(worker->strand, &worker->look);           // behind its first step
    }
}

static void on_begin(lg_post *post)
{
    struct worker *worker =
        (struct worker *)(void *)((char *)post - offsetof(struct worker, begin));
    begin(worker, worker->given);
}

static void on_look(lg_post *post)
{
    struct worker *worker =
        (struct worker *)(void *)((char *)post - offsetof(struct worker, look));
    begin(worker, lagoon__hub_next(worker->hub, worker));
}

void lagoon__worker_give(struct worker *worker, struct task_core *task)
{
    worker->given = task;
    lg_strand_post(worker->strand, &worker->begin);
}

// -- states --

static void push_body(lua_State *L, struct script *s)
{
    lagoon__load_embedded(L, lagoon__find_embedded("lagoon.worker"));
    lagoon__push_take(L, s);
    lagoon__push_keep(L, s);
    lua_call(L, 2, 1);
}

// The metatable of the tasks' environments: what is not there is the state's.
static void push_env_meta(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    lua_setfield(L, -2, "__index");
}

static void set_arg(lua_State *L, struct script *s, struct hub *hub)
{
    if (hub->arg != NULL) {
        struct value value = lagoon__value_of_tag(VALUE_PARCEL);
        value.ptr = lg_handle_get(hub->arg);
        value.ref = hub->arg_ref;
        lagoon__decode(L, s, value);
        lua_setglobal(L, "arg");
    }
}

// LuaJIT begins each state with the same seed: tasks would draw the same numbers.
static void seed_random(lua_State *L, struct worker *worker)
{
    struct hub *hub = worker->hub;
    // What is outside takes no seed of those inside.
    _Atomic uint32_t *count = worker->is_outside ? &hub->noutside_seeds : &hub->nseeds;
    // relaxed: only different ones are wanted
    uint32_t seed = 1 + atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
    lua_getglobal(L, "math");
    lua_getfield(L, -1, "randomseed");
    lua_pushnumber(L, worker->is_outside ? -(lua_Number)seed : seed);
    lua_call(L, 1, 0);
    lua_pop(L, 1);
}

static int prepare(lua_State *L)
{
    struct worker *worker = lua_touserdata(L, 1);
    struct hub *hub = worker->hub;
    lua_gc(L, LUA_GCSTOP, 0);
    luaL_openlibs(L);
    seed_random(L, worker);
    if (hub->is_jit_off) {
        luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    }
    struct script *s = lagoon__script_open(L, hub->rt);
    s->hub = hub;
    s->worker = worker;
    s->is_program = hub->is_program;
    worker->script = s;
    worker->strand = s->strand;
    if (worker->is_outside) {
        lg_strand_set_outside(s->strand);
    }
    lagoon__open_worker(L, s);
    lagoon__testhook_join(L, s);
    lagoon__collect_trace(L, s, hub->trace);
    push_env_meta(L);
    s->refs.env_meta = luaL_ref(L, LUA_REGISTRYINDEX);
    push_body(L, s);
    s->refs.body = luaL_ref(L, LUA_REGISTRYINDEX);
    set_arg(L, s, hub);
    if (worker->limit == NULL) {
        lagoon__cap_worker(L, s);
    }
    lua_gc(L, LUA_GCRESTART, -1);
    return 0;
}

static struct worker *open(struct hub *hub, struct limit *limit, bool is_outside)
{
    int64_t start_ns = lagoon__clock_ns();
    struct worker *worker = lg_calloc(hub->rt, 1, sizeof *worker);
    if (worker == NULL) {
        return NULL;
    }
    worker->hub = hub;
    worker->begin.fn = on_begin;
    worker->look.fn = on_look;
    worker->limit = limit;
    lagoon__reload_begin(worker);
    worker->is_outside = is_outside;
    worker->L = limit ? lagoon__limit_new_state(limit) : lagoon__new_state(hub->rt);
    if (worker->L == NULL) {
        lg_free(hub->rt, worker);
        return NULL;
    }
    if (lua_cpcall(worker->L, prepare, worker) != 0) {
        if (worker->strand != NULL) {
            lg_strand_close(worker->strand);
        }
        lagoon__worker_close(worker);
        return NULL;
    }
    worker->making_ns = lagoon__clock_ns() - start_ns;
    return worker;
}

struct worker *lagoon__worker_open(struct hub *hub, struct limit *limit)
{
    return open(hub, limit, false);
}

struct worker *lagoon__worker_open_outside(struct hub *hub)
{
    return open(hub, NULL, true);
}

bool lagoon__worker_is_empty(const struct worker *worker)
{
    // relaxed: what is done inside is seen with the strand being idle
    return worker->is_free && worker->npins == 0 &&
           atomic_load_explicit(&worker->script->nbusy, memory_order_relaxed) == 0 &&
           lg_strand_is_idle(worker->strand);
}

void lagoon__worker_unpin(struct worker *worker)
{
    pthread_mutex_lock(&worker->hub->lock);
    worker->npins--;
    pthread_mutex_unlock(&worker->hub->lock);
}

// The script's userdata is the first of ours and is finalised after all others, which
// still find the runtime.
void lagoon__worker_close(struct worker *worker)
{
    lg_runtime *rt = worker->hub->rt;
    if (worker->script != NULL) {
        lagoon__script_end_alone(worker->script);
    }
    lua_close(worker->L);
    lg_free(rt, worker);
}

void lagoon__worker_drop(struct worker *worker)
{
    lg_runtime *rt = worker->hub->rt;
    lagoon__script_close(worker->script);
    lua_close(worker->L);
    lg_free(rt, worker);
}
