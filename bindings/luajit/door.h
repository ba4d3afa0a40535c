// SPDX-License-Identifier: MIT
//
// What our half inside LuaJIT can do. Only the LuaJIT that tools/luajit builds has it:
// elsewhere the symbol is not there, and its address NULL.
#ifndef LAGOON_LUAJIT_DOOR_H
#define LAGOON_LUAJIT_DOOR_H

#include <lua.h>
#include <stdbool.h>

// A hook of somebody's, as it was when ours took its place.
struct door_hook {
    lua_Hook hook; // NULL: there was none
    int mask;
    int count; // its events of LUA_MASKCOUNT: one each so many instructions
    int left;  // instructions to the next one
};

struct luajit_door {
    // Whether compiled code looks for hooks.
    bool is_checked;

    // In a signal handler, on the thread that runs the state, interrupted at pc: has
    // `hook` called at the next instruction, if the interpreter can be told at such a
    // moment. What was set before goes to *was, which `hook` gives back with disarm. The
    // mask of that stays: `hook` is called for its events, too.
    bool (*arm)(lua_State *L, const void *pc, lua_Hook hook, struct door_hook *was);
    // The same where a C function runs, or the collector: `hook` is called behind it.
    bool (*arm_in_c)(lua_State *L, lua_Hook hook, struct door_hook *was);

    // The rest is for `hook`.

    // Whether a trace is being recorded, whose end must be waited for.
    bool (*is_recording)(lua_State *L);
    // Puts back what was there; true: its count is over, it is to be called now.
    bool (*disarm)(lua_State *L, const struct door_hook *was);
    // For as long as others use the state: no hook runs.
    void (*leave)(lua_State *L);
    void (*enter)(lua_State *L);
};

extern const struct luajit_door lagoon__luajit_door __attribute__((weak));

#endif // LAGOON_LUAJIT_DOOR_H
