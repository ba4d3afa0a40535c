// SPDX-License-Identifier: MIT
//
// Three things hold state of the interpreter on the C stack that a second
// goroutine would take for its own: a finaliser, an FFI callback, and a debug
// hook or VM event. Each is found out by something that behaves differently
// inside it.
//
// The test for hooks is dear, so it is made only if nothing on the stack
// explains why the coroutine cannot yield.
#include "refusal.h"

#include <lauxlib.h>
#include <luajit.h>

#include "fail.h"
#include "state.h"

static const char in_gc[] = "cannot block inside a __gc metamethod";
static const char in_ffi[] = "cannot block inside an FFI callback: the C function that "
                             "called it must return first";
static const char in_hook[] = "cannot block inside a debug hook or a VM event handler";

// -- finalisers --

static int set_no_mode(lua_State *L)
{
    luaJIT_setmode(L, 0, LUAJIT_MODE_MAX);
    return 0;
}

// luaJIT_setmode() raises in a finaliser; elsewhere, for a mode that it does
// not know, it just says no.
bool lagoon__is_in_gc(lua_State *L, struct script *s)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.set_no_mode);
    if (lua_pcall(L, 0, 0, 0) != 0) {
        lua_pop(L, 1);
        return true;
    }
    return false;
}

// -- FFI callbacks --

struct frames {
    bool has_ffi_call; // the frame that a call through the FFI has
    bool has_c;        // a C function that cannot be yielded across
};

static bool is_top_ref(lua_State *L, int ref)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    bool is_it = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    return is_it;
}

// The function that makes FFI calls is found when it is first asked for: opening the FFI
// is not cheap, and one that nobody has opened has called nothing.
static void find_ffi_call(lua_State *L, struct script *s)
{
    int top = lua_gettop(L);
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_getfield(L, -1, "ffi");
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "typeof");
        lua_pushliteral(L, "int");
        if (lua_pcall(L, 1, 1, 0) == 0 && lua_getmetatable(L, -1)) {
            lua_getfield(L, -1, "__call");
            s->refs.ffi_call = luaL_ref(L, LUA_REGISTRYINDEX);
        }
    }
    lua_settop(L, top);
}

int lagoon__ffi_call(lua_State *L, struct script *s)
{
    if (s->refs.ffi_call == LUA_NOREF) {
        find_ffi_call(L, s);
    }
    return s->refs.ffi_call;
}

static void look_at_frames(lua_State *L, struct script *s, struct frames *frames)
{
    int ffi_call = lagoon__ffi_call(L, s);
    lua_Debug ar;
    for (int level = 1; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "f", &ar);
        if (lua_iscfunction(L, -1)) {
            bool is_ffi = ffi_call != LUA_NOREF && is_top_ref(L, ffi_call);
            frames->has_ffi_call |= is_ffi;
            frames->has_c |=
                !is_top_ref(L, s->refs.pcall) && !is_top_ref(L, s->refs.xpcall);
        }
        lua_pop(L, 1);
    }
}

// -- hooks and VM events --

static void on_count(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    lua_getfield(L, LUA_REGISTRYINDEX, LAGOON_SCRIPT_KEY);
    struct script *s = lua_touserdata(L, -1);
    s->has_hook_run = true;
    lua_pop(L, 1);
}

// No hook runs inside a hook or a handler.
static bool is_in_hook(lua_State *L, struct script *s)
{
    lua_Hook hook = lua_gethook(L);
    int mask = lua_gethookmask(L);
    int count = lua_gethookcount(L);
    s->has_hook_run = false;
    s->is_probing = true;
    lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->refs.lua_noop);
    lua_call(L, 0, 0);
    lua_sethook(L, hook, mask, count);
    s->is_probing = false;
    return !s->has_hook_run;
}

// --

bool lagoon__is_in_ffi(lua_State *L, struct script_g *sg)
{
    struct frames frames = {0};
    look_at_frames(L, sg->script, &frames);
    if (L != sg->co && lua_checkstack(sg->co, 4)) {
        look_at_frames(sg->co, sg->script, &frames);
    }
    return frames.has_ffi_call;
}

const char *lagoon__refusal(lua_State *L, struct script_g *sg)
{
    struct script *s = sg->script;
    struct frames frames = {0};
    lagoon__check_room(L, LUA_MINSTACK, "no room to wait");
    if (lagoon__is_in_gc(L, s)) {
        return in_gc;
    }
    look_at_frames(L, s, &frames);
    bool is_explained = lua_isyieldable(L) || frames.has_c;
    if (L != sg->co && lua_checkstack(sg->co, 4)) {
        look_at_frames(sg->co, s, &frames);
    }
    if (frames.has_ffi_call) {
        return in_ffi;
    }
    if ((!is_explained || lua_gethookmask(L) != 0) && is_in_hook(L, s)) {
        return in_hook;
    }
    return NULL;
}

static int global_ref(lua_State *L, const char *name)
{
    lua_getglobal(L, name);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

void lagoon__refusal_init(lua_State *L, struct script *s)
{
    lua_pushcfunction(L, set_no_mode);
    s->refs.set_no_mode = luaL_ref(L, LUA_REGISTRYINDEX);
    s->refs.ffi_call = LUA_NOREF; // until it is asked for
    s->refs.pcall = global_ref(L, "pcall");
    s->refs.xpcall = global_ref(L, "xpcall");
    if (luaL_loadbuffer(L, "return", sizeof "return" - 1, "=lagoon/noop") != 0) {
        lua_error(L);
    }
    luaJIT_setmode(L, -1, LUAJIT_MODE_FUNC | LUAJIT_MODE_OFF); // no hook in compiled code
    s->refs.lua_noop = luaL_ref(L, LUA_REGISTRYINDEX);
}
