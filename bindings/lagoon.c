// SPDX-License-Identifier: MIT
//
// The way in: `require "lagoon"`, in the program and in any host that loads
// lagoon.so. The Lua half comes from inside the library.
#include "open.h"

#include <lauxlib.h>
#include <string.h>

#include "atomic.h"
#include "attach.h"
#include "attachdial.h"
#include "blocking.h"
#include "buffer.h"
#include "cap.h"
#include "chan.h"
#include "chanlist.h"
#include "class.h"
#include "clock.h"
#include "dump.h"
#include "embedded.h"
#include "events.h"
#include "exit.h"
#include "fail.h"
#include "fast.h"
#include "fastshared.h"
#include "fetch.h"
#include "file.h"
#include "frame.h"
#include "frozen.h"
#include "fs.h"
#include "fswatch.h"
#include "gcstep.h"
#include "go.h"
#include "heap.h"
#include "http.h"
#include "httpconn.h"
#include "input.h"
#include "interruptible.h"
#include "leaks.h"
#include "limit.h"
#include "memory.h"
#include "net.h"
#include "out.h"
#include "parallel.h"
#include "pinfo.h"
#include "process.h"
#include "profile.h"
#include "reload.h"
#include "remote.h"
#include "report.h"
#include "require.h"
#include "runtime.h"
#include "scope.h"
#include "select.h"
#include "sharedmap.h"
#include "signals.h"
#include "stats.h"
#include "stdin.h"
#include "sync.h"
#include "task.h"
#include "thread.h"
#include "timeline.h"
#include "timers.h"
#include "tls.h"
#include "transfer.h"
#include "udp.h"
#include "watchdog.h"
#include "websocket.h"

// Where the registry keeps the module, which is one per state.
static const char MODULE[] = "lagoon.module";
static const char CORE[] = "lagoon.core";
static const char ENVIRONMENT[] = "lagoon.environment";

static bool is_of(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(name, prefix, length) == 0;
}

// By the registry: the caller's globals may be a task's.
static void push_globals(lua_State *L)
{
    if (luaL_findtable(L, LUA_REGISTRYINDEX, "_LOADED._G", 1) != NULL) {
        lua_pushvalue(L, LUA_GLOBALSINDEX); // somebody has put something else there
    }
}

// Copies of the globals that come with Lua, in front of the state's.
static void push_environment(lua_State *L, struct script *s)
{
    lua_createtable(L, 0, 48);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.builtins);
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
    push_globals(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "_G");
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "__index");
    lua_insert(L, -2);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
}

void lagoon__load_module(lua_State *L, struct script *s, const char *name)
{
    lagoon__load_embedded(L, lagoon__find_embedded(name));
    lua_getfield(L, LUA_REGISTRYINDEX, ENVIRONMENT);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        push_environment(L, s);
        lua_pushvalue(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, ENVIRONMENT);
    }
    lua_setfenv(L, -2);
}

// A loader in package.preload: loads the script whose name it is given.
static int load_module(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    lagoon__load_module(L, lagoon__script_open(L, NULL), name);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

// By the registry: the caller's globals may be a task's.
static void push_preload(lua_State *L)
{
    luaL_findtable(L, LUA_REGISTRYINDEX, "_LOADED.package.preload", 1);
}

static void preload_modules(lua_State *L)
{
    push_preload(L);
    for (size_t i = 0; i < lagoon_nscripts; i++) {
        if (is_of(lagoon_scripts[i].name, "lagoon.")) {
            lua_pushcfunction(L, load_module);
            lua_setfield(L, -2, lagoon_scripts[i].name);
        }
    }
    lua_pushcfunction(L, luaopen_lagoon_core);
    lua_setfield(L, -2, "lagoon.core");
    lua_pop(L, 1);
}

static void push_classes(lua_State *L)
{
    lua_newtable(L);
    for (int kind = 0; kind < NKINDS; kind++) {
        lagoon__class(L, (enum kind)kind);
        lua_setfield(L, -2, lagoon__kind_name((enum kind)kind));
    }
}

// What each adds to the table on top, in this order.
static void (*const parts[])(lua_State *L, struct script *s) = {
    lagoon__open_fail,          lagoon__open_go,       lagoon__open_task,
    lagoon__open_remote,        lagoon__open_parallel, lagoon__open_input,
    lagoon__open_blocking,      lagoon__open_thread,   lagoon__open_watchdog,
    lagoon__open_limit,         lagoon__open_report,   lagoon__open_chan,
    lagoon__open_out,           lagoon__open_select,   lagoon__open_sync,
    lagoon__open_atomic,        lagoon__open_buffer,   lagoon__open_map,
    lagoon__open_class,         lagoon__open_timers,   lagoon__open_clock,
    lagoon__open_scope,         lagoon__open_scopeend, lagoon__open_frame,
    lagoon__open_interruptible, lagoon__open_runtime,  lagoon__open_dump,
    lagoon__open_heap,          lagoon__open_leaks,    lagoon__open_reload,
    lagoon__open_memory,        lagoon__open_gcstep,   lagoon__open_cap,
    lagoon__open_stats,         lagoon__open_net,      lagoon__open_udp,
    lagoon__open_tls,           lagoon__open_fs,       lagoon__open_file,
    lagoon__open_fswatch,       lagoon__open_stdin,    lagoon__open_http,
    lagoon__open_httpconn,      lagoon__open_fetch,    lagoon__open_websocket,
    lagoon__open_process,       lagoon__open_signals,  lagoon__open_transfer,
    lagoon__open_fast,          lagoon__open_frozen,   lagoon__open_fast_shared,
    lagoon__open_attach,        lagoon__open_dial,     lagoon__open_embedded,
    lagoon__open_chanlist,      lagoon__open_profile,  lagoon__open_timeline,
    lagoon__open_events,        lagoon__open_pinfo,    lagoon__open_testhook,
};

int luaopen_lagoon_core(lua_State *L)
{
    struct script *s = lagoon__script_open(L, NULL);
    lua_getfield(L, LUA_REGISTRYINDEX, CORE);
    if (lua_istable(L, -1)) {
        return 1;
    }
    lua_createtable(L, 0, 64);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        parts[i](L, s);
    }
    push_classes(L);
    lua_setfield(L, -2, "classes");
    lua_pushliteral(L, LG_VERSION);
    lua_setfield(L, -2, "version");
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, CORE);
    return 1;
}

int luaopen_lagoon(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, MODULE);
    if (lua_istable(L, -1)) {
        return 1;
    }
    lua_pop(L, 1);
    preload_modules(L);
    struct script *s = lagoon__script_open(L, NULL);
    lagoon__load_module(L, s, "lagoon");
    lua_call(L, 0, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, MODULE);
    s->has_module = true;
    return 1;
}

int lagoon_openlib(lua_State *L)
{
    push_preload(L);
    lua_pushcfunction(L, luaopen_lagoon);
    lua_setfield(L, -2, "lagoon");
    lua_pop(L, 1);
    preload_modules(L);
    return 0;
}

// -- a host that gives options --

struct attachment {
    const lg_options *options;
    int err;
};

static int attach(lua_State *L)
{
    struct attachment *a = lua_touserdata(L, 1);
    lagoon__script_attach(L, a->options, &a->err);
    lagoon_openlib(L);
    return 0;
}

int lg_lua_attach(lua_State *L, const lg_options *opts)
{
    struct attachment attachment = {.options = opts};
    if (!lua_checkstack(L, 3)) {
        return LG_ENOMEM;
    }
    if (lg_lua_runtime(L) != NULL) {
        lua_pushliteral(L, "the state has lagoon already");
        return LG_EBUSY;
    }
    return lua_cpcall(L, attach, &attachment) == 0 ? LG_OK : attachment.err;
}

lg_runtime *lg_lua_runtime(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LAGOON_SCRIPT_KEY);
    struct script *s = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return s != NULL ? s->rt : NULL;
}

// -- the program's --

// A searcher, the last one: LuaJIT's own modules, for -jv and the like.
static int search_embedded(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct lagoon_script *script = lagoon__find_embedded(name);
    if (script == NULL) {
        lua_pushfstring(L, "\n\tno module '%s' inside lagoon", name);
    } else {
        lagoon__load_embedded(L, script);
    }
    return 1;
}

void lagoon__open_worker(lua_State *L, struct script *s)
{
    lagoon_openlib(L);
    lagoon__guard_coroutines(L);
    lagoon__guard_pairs(L, s);
    lagoon__guard_require(L, s);
    lagoon__guard_exit(L, s);
}

struct script *lagoon__open_program(lua_State *L, lg_runtime *rt)
{
    struct script *s = lagoon__script_open(L, rt);
    s->is_program = true;
    lagoon__open_worker(L, s);
    lua_getfield(L, LUA_GLOBALSINDEX, "package");
    lua_getfield(L, -1, "loaders");
    lua_pushcfunction(L, search_embedded);
    lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
    lua_pop(L, 2);
    lagoon__load_module(L, s, "lagoon.program");
    lua_call(L, 0, 1);
    return s;
}
