// SPDX-License-Identifier: MIT
#include "input.h"

#include <lauxlib.h>
#include <string.h>

#include "fail.h"
#include "go.h"
#include "hub.h"
#include "parallel.h"
#include "parcel.h"
#include "remote.h"
#include "state.h"
#include "text.h"
#include "wait.h"
#include "worker.h"

void lagoon__input_place(struct hub *hub, struct task_core *task)
{
    struct worker *worker = lagoon__worker_open_outside(hub);
    pthread_mutex_lock(&hub->lock);
    if (worker != NULL) {
        worker->is_aside = worker->is_alone = true;
        lagoon__hub_add_locked(hub, worker);
    }
    lagoon__hub_unpin_locked(task);
    pthread_mutex_unlock(&hub->lock);
    if (worker != NULL) {
        lagoon__worker_give(worker, task);
    } else {
        lagoon__hub_drop(task);
    }
}

static lg_input *find(lua_State *L, struct script *s)
{
    lg_input *in = lg_input_find(lagoon__rt(L, s), (uint32_t)luaL_checkinteger(L, 1));
    if (in == NULL) {
        lagoon__raise(L, "no such input");
    }
    return in;
}

// input_open(name): its number.
static int open(lua_State *L)
{
    struct script *s = lagoon__script(L);
    const char *name = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : NULL;
    if (name == NULL) {
        lagoon__raise_argument(L, 1, "input", "name must be a string, got %s",
                               luaL_typename(L, 1));
    }
    lg_input *in;
    int err = lg_input_open(lagoon__rt(L, s), name, &in);
    if (err == LG_EINVAL) {
        lagoon__raise_argument(L, 1, "input", "name must have 1 to %d bytes",
                               LG_NAME_SIZE - 1);
    } else if (err) {
        lagoon__raise(L, "cannot open an input: %s", lg_strerror(err));
    }
    lua_pushinteger(L, (lua_Integer)lg_input_number(in));
    return 1;
}

// input_source(f, ...): f as a task outside.
static int source(lua_State *L)
{
    struct task_core *core = lagoon__parallel_new(L, lagoon__script(L), "input");
    core->is_alone = true;
    core->is_outside = lg_is_deterministic(core->hub->rt);
    lagoon__parallel_start(L, core);
    return 1;
}

// input_send(number, is_value, value)
static int send(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lg_input *in = find(L, s);
    struct value parcel;
    lua_settop(L, 3);
    lagoon__encode_all(L, s, 2, 2, ROUTE_VALUE, &parcel);
    if (parcel.ref == PARCEL_WITH_REFS) {
        lagoon__recall(parcel);
        lagoon__raise(L, "cannot send a function or an object of lagoon's to an input: "
                         "they are not recorded");
    }
    const struct letter *letter = lagoon__parcel_letter(parcel);
    int err = lg_input_send(in, letter->text, letter->size_bytes);
    lg_keep_alive(parcel.ptr);
    if (err) {
        lagoon__raise(L, "cannot send to an input: %s", lg_strerror(err));
    }
    return 0;
}

// input_end(number)
static int end(lua_State *L)
{
    lg_input_end(find(L, lagoon__script(L)));
    return 0;
}

static int finish_await(lua_State *L, struct script_g *sg, int rc)
{
    bool is_told = rc == LG_ECLOSED || rc == LG_EDIVERGED; // by input_take()
    return lagoon__finish_plain(L, sg, is_told ? LG_OK : rc);
}

// input_await(number)
static int await(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lg_input *in = find(L, s);
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, s, &deadline_ns);
    int rc = sg == &s->outside ? LG_EAGAIN : lg_input_await(in, deadline_ns);
    return lagoon__settle(L, sg, rc, finish_await);
}

// input_take(number): true and the two values of a message; nil, there is none; false, nothing
// follows.
static int take(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lg_input *in = find(L, s);
    const void *bytes;
    size_t size;
    int rc = lg_input_peek(in, &bytes, &size);
    if (rc == LG_EDIVERGED) {
        lagoon__raise(L, "replay: %s", lg_replay_error(lagoon__rt(L, s)));
    } else if (rc != LG_OK) {
        if (rc == LG_ECLOSED) {
            lua_pushboolean(L, 0);
        } else {
            lua_pushnil(L);
        }
        return 1;
    }
    lua_pushboolean(L, 1);
    if (lagoon__decode_plain(L, s, bytes, size) != 2) {
        lagoon__raise(L, "cannot receive a broken message");
    }
    lg_input_skip(in);
    return 3;
}

static int is_replaying(lua_State *L)
{
    lua_pushboolean(L, lg_is_replaying(lagoon__rt(L, lagoon__script(L))));
    return 1;
}

void lagoon__open_input(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"input_open", open},           {"input_source", source},
        {"input_send", send},           {"input_end", end},
        {"input_await", await},         {"input_take", take},
        {"is_replaying", is_replaying}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
