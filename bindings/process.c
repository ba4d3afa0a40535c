// SPDX-License-Identifier: MIT
#include "process.h"

#include <lauxlib.h>
#include <signal.h>
#include <string.h>

#include "fail.h"
#include "net.h"
#include "signame.h"
#include "state.h"
#include "wait.h"
#include "worldly.h"

enum { NSTREAMS = 3, FIRST_STREAM = 4 };

struct process {
    struct object object;
    lg_process *core; // NULL: finalised
    lg_exit end;      // the same for all who wait
};

static struct process *check_process(lua_State *L, const char *method)
{
    struct process *process = lagoon__self(L, KIND_PROCESS, method);
    if (process->core == NULL) {
        lagoon__raise(L, "calling '%s' on a dead process", method);
    }
    return process;
}

// -- starting --

// A list of strings at an index as C has it, which it keeps alive; NULL: nil. Pushes its
// memory.
static const char *const *push_strings(lua_State *L, int index)
{
    if (lua_isnil(L, index)) {
        lua_pushnil(L);
        return NULL;
    }
    size_t n = lua_objlen(L, index);
    const char **out = lua_newuserdata(L, (n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, index, (int)i + 1);
        out[i] = lua_tostring(L, -1); // the list has it, as a string
        lua_pop(L, 1);
    }
    out[n] = NULL;
    return out;
}

// The goroutine that starts one; raises where there is none.
static struct script *check_goroutine(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lagoon__rt(L, s);
    struct script_g *sg = lg_extra_self();
    if (sg == NULL || sg->script != s) {
        lagoon__raise(L,
                      "cannot start a process outside a goroutine: " LAGOON_HOW_TO_WAIT);
    }
    return s;
}

// spawn(arguments, cwd, env, stdin, stdout, stderr): lists of strings that the caller has
// checked, and an lg_stream each. What it makes it makes first: nothing raises behind it.
static int spawn(lua_State *L)
{
    struct script *s = check_goroutine(L);
    lua_settop(L, FIRST_STREAM + NSTREAMS - 1);
    luaL_checktype(L, 1, LUA_TTABLE);
    lg_spawn_options opts = {.cwd = luaL_optstring(L, 2, NULL)};
    for (int i = 0; i < NSTREAMS; i++) {
        opts.streams[i] = (lg_stream)luaL_checkint(L, FIRST_STREAM + i);
    }
    const char *const *argv = push_strings(L, 1);
    opts.env = push_strings(L, 3);
    struct process *process = lagoon__object_new(L, s, KIND_PROCESS, sizeof *process);
    struct conn *conns[NSTREAMS] = {NULL};
    for (int i = 0; i < NSTREAMS; i++) {
        if (opts.streams[i] == LG_STREAM_PIPE) {
            conns[i] = lagoon__object_new(L, s, KIND_CONN, sizeof *conns[i]);
        } else {
            lua_pushnil(L);
        }
    }
    lg_conn *streams[NSTREAMS];
    int rc = lg_spawn(argv[0], argv, &opts, streams, &process->core);
    if (rc != LG_OK) {
        return lagoon__return_failed(L, rc);
    }
    for (int i = 0; i < NSTREAMS; i++) {
        if (conns[i] != NULL) {
            conns[i]->core = streams[i];
        }
    }
    return 1 + NSTREAMS;
}

static int process_free(lua_State *L)
{
    struct process *process = lagoon__object_at(L, 1, KIND_PROCESS);
    if (process == NULL) {
        return 0; // a script has called it
    }
    if (process->core != NULL && lagoon__rt_of_ends(process->object.script) != NULL) {
        lg_process_free(process->core);
    }
    process->core = NULL;
    lagoon__object_end(&process->object);
    return 0;
}

// -- methods --

static void push_signal(lua_State *L, int signo)
{
    const char *name = lagoon__signal_name(signo);
    if (name != NULL) {
        lua_pushstring(L, name);
    } else {
        lua_pushinteger(L, signo); // of the real-time ones
    }
}

static int finish_wait(lua_State *L, struct script_g *sg, int rc)
{
    const struct process *process = lua_touserdata(L, 1);
    if (rc != LG_OK) {
        return lagoon__finish_failed(L, sg, rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_createtable(L, 0, 1);
    if (process->end.signal != 0) {
        push_signal(L, process->end.signal);
        lua_setfield(L, -2, "signal");
    } else {
        lua_pushinteger(L, process->end.code);
        lua_setfield(L, -2, "code");
    }
    return 2;
}

static int wait(lua_State *L)
{
    struct process *process = check_process(L, "wait");
    int64_t deadline_ns = lagoon__io_deadline(L, 2, 1, "wait");
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_process_wait(process->core, &process->end, deadline_ns);
    return lagoon__settle_making(L, sg, rc, finish_wait);
}

// The signal at index 2.
static int check_signal(lua_State *L)
{
    if (lua_isnoneornil(L, 2)) {
        return SIGTERM;
    }
    if (lua_type(L, 2) == LUA_TNUMBER) {
        double signo = lua_tonumber(L, 2);
        if (signo >= 0 && signo < NSIG && signo == (double)(int)signo) {
            return (int)signo;
        }
    }
    int signo =
        lua_type(L, 2) == LUA_TSTRING ? lagoon__signal_number(lua_tostring(L, 2)) : 0;
    if (signo == 0) {
        lagoon__raise_argument(L, 1, "kill", "the name or number of a signal expected");
    }
    return signo;
}

static int process_kill(lua_State *L)
{
    struct process *process = check_process(L, "kill");
    int rc = lg_process_kill(process->core, check_signal(L));
    if (rc != LG_OK) {
        return lagoon__return_failed(L, rc);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int pid(lua_State *L)
{
    lua_pushinteger(L, lg_process_pid(check_process(L, "pid")->core));
    return 1;
}

void lagoon__open_process(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"process_spawn", spawn},
                                         {"process_wait", wait},
                                         {"process_kill", process_kill},
                                         {"process_pid", pid},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", process_free}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_PROCESS);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
