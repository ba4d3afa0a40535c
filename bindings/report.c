// SPDX-License-Identifier: MIT
#include "report.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errorinfo.h"
#include "fail.h"
#include "forward.h"
#include "go.h"
#include "hub.h"
#include "remote.h"
#include "state.h"
#include "task.h"
#include "trace.h"
#include "worker.h"

// How many errors that are strings or numbers keep their tracebacks.
enum { RECENT_CAP = 64 };

// A traceback of so many bytes is not put behind another one: an error may pass
// through any number of goroutines.
enum { CHAIN_MAX = 16 * 1024 };

enum { STATUS_FAILED = 2 };

// Adds whose a traceback is, and where that was started. Goroutine 1 of a
// program needs no words.
static void add_goroutine(luaL_Buffer *b, struct script_g *sg)
{
    if (sg->id == sg->script->main_id) {
        return;
    }
    lagoon__add_format(b, "\ngoroutine %llu", (unsigned long long)sg->id);
    char copy[NAME_SIZE];
    const char *name = sg->task ? lagoon__task_name(sg->task, copy) : NULL;
    if (name) {
        lagoon__add_format(b, " [%s]", name);
    }
    if (sg->birth.source) {
        luaL_addstring(b, " created by ");
        if (sg->parent) {
            lagoon__add_format(b, "goroutine %llu at ", (unsigned long long)sg->parent);
        }
        lagoon__trace_birth(b, &sg->birth);
    }
}

// Pushes the traceback of a goroutine that has failed; true if it has frames.
static bool push_trace(lua_State *L, struct script_g *sg, int error)
{
    const char *message =
        lua_type(L, error) == LUA_TSTRING ? lua_tostring(L, error) : NULL;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    luaL_addstring(&b, "stack traceback:");
    bool has_frames = lagoon__trace_goroutine(&b, sg, message) > 0;
    add_goroutine(&b, sg);
    luaL_pushresult(&b);
    return has_frames;
}

// -- lagoon.traceback() --

static bool is_weak_key(lua_State *L, int index)
{
    int type = lua_type(L, index);
    return type == LUA_TTABLE || type == LUA_TUSERDATA || type == LUA_TFUNCTION ||
           type == LUA_TTHREAD || type > LUA_TTHREAD;
}

// Errors that are strings would be kept for ever by a weak table, so only the
// last ones are: entry i of the ring names the key that leaves next.
static void remember_recent(lua_State *L, struct script *s, int error, int trace)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.recent);
    int recent = lua_gettop(L);
    lua_pushlightuserdata(L, &s->recent_at);
    lua_rawget(L, recent);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushlightuserdata(L, &s->recent_at);
        lua_pushvalue(L, -2);
        lua_rawset(L, recent);
    }
    s->recent_at = s->recent_at % RECENT_CAP + 1;
    lua_rawgeti(L, -1, s->recent_at);
    if (!lua_isnil(L, -1)) {
        lua_pushnil(L);
        lua_rawset(L, recent);
    } else {
        lua_pop(L, 1);
    }
    lua_pushvalue(L, error);
    lua_rawseti(L, -2, s->recent_at);
    lua_pushvalue(L, error);
    lua_pushvalue(L, trace);
    lua_rawset(L, recent);
    lua_settop(L, recent - 1);
}

void lagoon__remember_trace(lua_State *L, struct script *s, int error)
{
    int trace = lua_gettop(L);
    lagoon__check_room(L, 8, "no room for a traceback");
    if (lua_isnil(L, error)) {
        return;
    }
    if (!is_weak_key(L, error)) {
        lua_Number number = lua_tonumber(L, error);
        if (lua_type(L, error) != LUA_TNUMBER || number == number) {
            remember_recent(L, s, error, trace);
        }
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.traces);
    lua_pushvalue(L, error);
    lua_pushvalue(L, trace);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

// Pushes what is remembered for the error at an index, or nil.
static void push_remembered(lua_State *L, struct script *s, int error)
{
    struct script_refs *refs = &s->refs;
    if (lua_isnil(L, error)) {
        lua_pushnil(L);
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX,
                is_weak_key(L, error) ? refs->traces : refs->recent);
    lua_pushvalue(L, error);
    lua_rawget(L, -2);
    lua_remove(L, -2);
}

void lagoon__push_new_trace(lua_State *L, struct script_g *sg, int error)
{
    lagoon__check_room(L, 8, "no room for a traceback");
    bool has_frames = push_trace(L, sg, error);
    lua_pushliteral(L, "\n\nthe error came from:\n");
    push_remembered(L, sg->script, error);
    if (!sg->has_rethrown || !lua_isstring(L, -1) || lua_objlen(L, -1) > CHAIN_MAX) {
        lua_pop(L, 2);
    } else if (has_frames) {
        lua_concat(L, 3);
    } else {
        lua_insert(L, -3);
        lua_pop(L, 2);
    }
    lagoon__remember_trace(L, sg->script, error);
}

static int traceback(lua_State *L)
{
    luaL_checkany(L, 1);
    push_remembered(L, lagoon__script(L), 1);
    return 1;
}

// note_trace(err): a handler for xpcall that leaves the error as it is.
static int note_trace(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct script_g *sg = lg_extra_self();
    luaL_Buffer b;
    lua_settop(L, 1);
    luaL_buffinit(L, &b);
    luaL_addstring(&b, "stack traceback:");
    lagoon__trace_frames(&b, L, 1, NULL);
    if (sg != NULL && sg->script == s) {
        if (L != sg->co) {
            lagoon__trace_frames(&b, sg->co, 0, NULL);
        }
        add_goroutine(&b, sg);
    }
    luaL_pushresult(&b);
    lagoon__remember_trace(L, s, 1);
    lua_settop(L, 1);
    return 1;
}

// -- unhandled errors --

static int call_tostring(lua_State *L)
{
    return luaL_callmeta(L, 1, "__tostring");
}

void lagoon__error_text(lua_State *L)
{
    if (lua_isstring(L, -1)) {
        return;
    }
    // Its own words, unless they are an error too.
    lua_pushcfunction(L, call_tostring);
    lua_pushvalue(L, -2);
    if (lua_pcall(L, 1, 1, 0) == 0 && lua_isstring(L, -1)) {
        lua_remove(L, -2);
        return;
    }
    lua_pop(L, 1);
    lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, -1));
    lua_remove(L, -2);
}

void lagoon__print_error_of(const char *message, size_t length)
{
    fflush(stdout);
    fputs("lagoon: ", stderr);
    fwrite(message, 1, length, stderr);
    fputc('\n', stderr);
    fflush(stderr);
}

void lagoon__print_error(const char *message)
{
    lagoon__print_error_of(message, strlen(message));
}

void lagoon__report(lua_State *L, lg_runtime *rt, const char *introduction)
{
    int error = lua_gettop(L) - 1;
    lua_pushstring(L, introduction);
    lua_pushvalue(L, error);
    lagoon__error_text(L);
    if (lua_isstring(L, error + 1)) { // else there was no memory to make one
        lua_pushliteral(L, "\n");
        lua_pushvalue(L, error + 1);
        lua_concat(L, 4);
    } else {
        lua_concat(L, 2);
    }
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    if (rt == NULL || !lg_tell_error(rt, &(lg_error_info){.message = text})) {
        lagoon__print_error_of(text, length);
    }
    lua_settop(L, error - 1);
}

struct unhandled {
    struct script_g *sg;
    lua_State *from;
};

// Pushes the error and its traceback.
static void push_error(lua_State *L, struct unhandled *unhandled)
{
    lua_pushvalue(unhandled->from, -1);
    if (unhandled->from != L) {
        lua_xmove(unhandled->from, L, 1);
    }
    lagoon__push_new_trace(L, unhandled->sg, lua_gettop(L));
}

// Starts a goroutine that runs the handler, which may block like any other.
static int call_handler(lua_State *L)
{
    struct unhandled *unhandled = lua_touserdata(L, 1);
    struct script *s = unhandled->sg->script;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.handler);
    push_error(L, unhandled);
    lagoon__push_error_info(L, unhandled->sg);
    lg_ref ref;
    lagoon__go_in(L, s, NULL, 3, &ref)->is_reporter = true;
    return 0;
}

static int print_unhandled(lua_State *L)
{
    struct unhandled *unhandled = lua_touserdata(L, 1);
    push_error(L, unhandled);
    if (!lagoon__tell_host(L, unhandled->sg)) {
        lagoon__report(L, NULL, "");
    }
    return 0;
}

static int report_others(lua_State *L)
{
    lagoon__report_failed_tasks(L, lua_touserdata(L, 1));
    return 0;
}

void lagoon__report_unhandled(struct script_g *sg, lua_State *from)
{
    struct script *s = sg->script;
    struct unhandled unhandled = {sg, from};
    if (s->worker != NULL && s->worker->limit != NULL) {
        return; // of code that nobody trusts: only what its function returns counts
    }
    if (s->refs.handler != LUA_NOREF && !sg->is_reporter) {
        if (lua_cpcall(s->aux, call_handler, &unhandled) == 0) {
            return;
        }
        lua_pop(s->aux, 1);
    }
    if (lagoon__forward_error(sg, from)) {
        return;
    }
    if (lua_cpcall(s->aux, print_unhandled, &unhandled) != 0) {
        lagoon__print_error("an error in a goroutine, and another one in reporting it");
        lua_pop(s->aux, 1);
    }
    if (s->is_program) {
        if (lua_cpcall(s->aux, report_others, s) != 0) {
            lua_pop(s->aux, 1);
        }
        exit(STATUS_FAILED);
    }
}

// on_error(f): who is told instead; nil takes it back.
static int on_error(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lua_settop(L, 1);
    if (!lua_isnil(L, 1)) {
        lagoon__check_callable(L, 1, "on_error");
    }
    luaL_unref(L, LUA_REGISTRYINDEX, s->refs.handler);
    s->refs.handler = lua_isnil(L, 1) ? LUA_NOREF : luaL_ref(L, LUA_REGISTRYINDEX);
    if (s->hub != NULL && s->worker == NULL) {
        lagoon__hub_note_handler(s->hub);
    }
    return 0;
}

void lagoon__open_report(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"traceback", traceback},
                                         {"note_trace", note_trace},
                                         {"on_error", on_error},
                                         {NULL, NULL}};
    lagoon__register(L, s, functions);
}
