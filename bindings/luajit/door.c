// SPDX-License-Identifier: MIT
//
// The only file that sees LuaJIT's inside: tools/luajit compiles it together with
// LuaJIT, and puts it into the same archive.
//
// A handler may arm where the interrupted instruction is one of the interpreter's
// assembly or of compiled code: those keep nothing half done that arming changes, which
// is the hook, its mask and the table by which instructions are dispatched. In LuaJIT's C
// code that may be in the midst of just that. docs/decisions/interrupt_by_hook.md.
//
// Where the virtual machine says that a C function runs, or the collector, it is not either,
// but for the few functions that are there for that: docs/decisions/sampler.md.
#include "door.h"

#include "lj_dispatch.h"
#include "lj_ff.h"
#include "lj_jit.h"
#include "lj_mcode.h"
#include "lj_obj.h"
#include "lj_vm.h"

#ifndef LAGOON_ASM_BYTES
#error "tools/luajit says how long the interpreter's assembly is"
#endif

static bool is_in_asm(const char *pc)
{
    const char *begin = lj_vm_asm_begin;
    return pc >= begin && pc < begin + LAGOON_ASM_BYTES;
}

// Whoever is in compiled code or in the assembly is not changing the list.
static bool is_in_mcode(jit_State *J, const char *pc)
{
    const char *area = (const char *)J->mcarea;
    while (area != NULL) {
        const MCLink *link = (const MCLink *)(const void *)area;
        if (pc >= area && pc < area + link->size) {
            return true;
        }
        area = (const char *)link->next;
    }
    return false;
}

static bool is_busy(global_State *g)
{
    return (g->hookmask & (HOOK_ACTIVE | HOOK_VMEVENT | HOOK_GC)) != 0 ||
           G2J(g)->state != LJ_TRACE_IDLE;
}

// As lua_sethook(), but for the state of a count that has begun.
static void set_hook(global_State *g, const struct door_hook *to)
{
    g->hookf = to->hook;
    g->hookcstart = to->count;
    g->hookcount = to->left;
    g->hookmask = (uint8_t)((g->hookmask & ~HOOK_EVENTMASK) | to->mask);
    lj_dispatch_update(g);
}

static void set_ours(global_State *g, lua_Hook hook, struct door_hook *was)
{
    if (g->hookf != hook) {
        *was = (struct door_hook){g->hookf, g->hookmask & HOOK_EVENTMASK, g->hookcstart,
                                  g->hookcount};
        set_hook(g, &(struct door_hook){hook, was->mask | LUA_MASKCOUNT, 1, 1});
    }
}

static bool arm(lua_State *L, const void *pc, lua_Hook hook, struct door_hook *was)
{
    global_State *g = G(L);
    if (is_busy(g) || (!is_in_asm(pc) && !is_in_mcode(G2J(g), pc))) {
        return false;
    }
    set_ours(g, hook, was);
    return true;
}

// Functions that set hooks, or the compiler's mode, which the table depends on, too.
static bool sets_hooks(uint32_t ffid)
{
    return ffid == FF_debug_sethook || ffid == FF_jit_on || ffid == FF_jit_off ||
           ffid == FF_jit_flush || ffid == FF_jit_profile_start ||
           ffid == FF_jit_profile_stop;
}

// Whether a C function of somebody's runs, or the collector, or what compiled code has
// called. The interpreter's own helpers and the compiler are neither.
static bool is_in_c(global_State *g)
{
    int32_t state = g->vmstate;
    GCobj *running = gcref(g->cur_L);
    if (state >= 0 || state == ~LJ_VMST_GC) {
        return true;
    }
    if (state != ~LJ_VMST_C || running == NULL) {
        return false;
    }
    const GCfunc *fn = curr_func(gco2th(running));
    return !isffunc(fn) || !sets_hooks(fn->c.ffid);
}

static bool arm_in_c(lua_State *L, lua_Hook hook, struct door_hook *was)
{
    global_State *g = G(L);
    if (is_busy(g) || !is_in_c(g)) {
        return false;
    }
    set_ours(g, hook, was);
    return true;
}

static bool is_recording(lua_State *L)
{
    return G2J(G(L))->state != LJ_TRACE_IDLE;
}

static bool disarm(lua_State *L, const struct door_hook *was)
{
    struct door_hook back = *was;
    bool is_due = (back.mask & LUA_MASKCOUNT) != 0 && back.left <= 0;
    if (is_due) {
        back.left = back.count;
    }
    set_hook(G(L), &back);
    return is_due;
}

static void leave(lua_State *L)
{
    hook_leave(G(L));
}

static void enter(lua_State *L)
{
    hook_enter(G(L));
}

#ifdef LUAJIT_ENABLE_CHECKHOOK
enum { IS_CHECKED = true };
#else
enum { IS_CHECKED = false };
#endif

const struct luajit_door lagoon__luajit_door = {
    .is_checked = IS_CHECKED,
    .arm = arm,
    .arm_in_c = arm_in_c,
    .is_recording = is_recording,
    .disarm = disarm,
    .leave = leave,
    .enter = enter,
};
