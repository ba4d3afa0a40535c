// SPDX-License-Identifier: MIT
//
// The core visits goroutines with its own locks held, so they are first copied
// and then told about.
#include "dump.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
#include "hub.h"
#include "preempt.h"
#include "remote.h"
#include "state.h"
#include "task.h"
#include "trace.h"
#include "worker.h"

static const int64_t NS_PER_MINUTE = 60 * (int64_t)1000000000;

static bool add_info(void *ud, const lg_g_info *info)
{
    struct snapshot *snapshot = ud;
    snapshot->infos[snapshot->n++] = *info;
    return snapshot->n < snapshot->cap;
}

static int compare_infos(const void *a, const void *b)
{
    const lg_g_info *x = a;
    const lg_g_info *y = b;
    return (x->ref.id > y->ref.id) - (x->ref.id < y->ref.id);
}

struct snapshot *lagoon__push_snapshot(lua_State *L, struct script *s)
{
    size_t cap = lg_num_goroutine(lagoon__rt(L, s)) + 16;
    struct snapshot *snapshot =
        lua_newuserdata(L, sizeof *snapshot + cap * sizeof snapshot->infos[0]);
    snapshot->n = 0;
    snapshot->cap = cap;
    lg_goroutines(s->rt, add_info, snapshot);
    qsort(snapshot->infos, snapshot->n, sizeof snapshot->infos[0], compare_infos);
    return snapshot;
}

// Its record with us, or NULL: a native one, or of another state.
static struct script_g *script_g_of(struct script *s, const lg_g_info *info)
{
    return info->strand == s->strand ? info->extra : NULL;
}

// The same, also in a worker's state. Nothing runs.
static struct script_g *script_g_anywhere(struct script *s, const lg_g_info *info)
{
    bool is_ours = info->strand == s->strand;
    struct worker *worker = s->hub ? s->hub->workers : NULL;
    for (; worker != NULL && !is_ours; worker = worker->next) {
        is_ours = info->strand == worker->strand;
    }
    return is_ours ? info->extra : NULL;
}

// NULL: none. A task's may have been given by another state, and the core's is short.
static const char *name_of(struct script_g *sg, const lg_g_info *info,
                           char copy[NAME_SIZE])
{
    const char *name = sg && sg->task ? lagoon__task_name(sg->task, copy) : NULL;
    return name ? name : *info->name ? info->name : NULL;
}

static const char *status_of(const lg_g_info *info)
{
    static const char *const names[] = {[LG_RUNNABLE] = "ready",
                                        [LG_RUNNING] = "running",
                                        [LG_WAITING] = "waiting",
                                        [LG_DEAD] = "done"};
    return names[info->status];
}

static double wait_seconds(struct script *s, const lg_g_info *info)
{
    return (double)(lg_now(s->rt) - info->wait_since_ns) / 1e9;
}

// -- text --

void lagoon__dump_head(lg_runtime *rt, const lg_g_info *info, const char *name,
                       bool is_running, char out[DUMP_HEAD_SIZE])
{
    const char *state = is_running || info->status == LG_RUNNING ? "running" : "runnable";
    char minutes_text[32] = "";
    if (info->status == LG_WAITING && info->wait_reason) {
        int minutes = (int)((lg_now(rt) - info->wait_since_ns) / NS_PER_MINUTE);
        state = info->wait_reason;
        if (minutes > 0) {
            snprintf(minutes_text, sizeof minutes_text, ", %d minute%s", minutes,
                     minutes == 1 ? "" : "s");
        }
    }
    snprintf(out, DUMP_HEAD_SIZE,
             "goroutine %llu%s%s%s [%s%s]:", (unsigned long long)info->ref.id,
             name ? " \"" : "", name ? name : "", name ? "\"" : "", state, minutes_text);
    // A name may hold anything, and the line is to be one.
    for (char *at = out; *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' || *at == 0x7F ? '?' : *at;
    }
}

// The frames of L are those of the running goroutine.
static void add_goroutine(luaL_Buffer *b, struct script *s, const lg_g_info *info,
                          lua_State *L, struct script_g *sg)
{
    char copy[NAME_SIZE];
    char head[DUMP_HEAD_SIZE];
    bool is_running = sg && lagoon__was_interrupted(sg);
    lagoon__dump_head(s->rt, info, name_of(sg, info, copy), is_running, head);
    luaL_addstring(b, head);
    if (sg == NULL) {
        luaL_addstring(b, info->strand ? "\n\tin another Lua state" : "\n\tnative");
        return;
    }
    if (sg == lg_extra_self() && L != sg->co) {
        lagoon__trace_frames(b, L, 0, NULL);
    }
    lagoon__trace_goroutine(b, sg, NULL);
    if (sg->birth.source) {
        luaL_addstring(b, "\ncreated by ");
        if (sg->parent) {
            lagoon__add_format(b, "goroutine %llu at ", (unsigned long long)sg->parent);
        }
        lagoon__trace_birth(b, &sg->birth);
    }
}

void lagoon__push_dump(lua_State *L, struct script *s, enum dump_scope scope)
{
    enum { SHOWN_MAX = 1000 };
    struct snapshot *snapshot = lagoon__push_snapshot(L, s);
    size_t nshown = snapshot->n < SHOWN_MAX ? snapshot->n : SHOWN_MAX;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < nshown; i++) {
        luaL_addstring(&b, i == 0 ? "" : "\n\n");
        const lg_g_info *info = &snapshot->infos[i];
        add_goroutine(&b, s, info, L,
                      scope == DUMP_ALL_STILL ? script_g_anywhere(s, info)
                                              : script_g_of(s, info));
    }
    if (nshown < snapshot->n) {
        lagoon__add_format(&b, "\n\n... and %zu more goroutines", snapshot->n - nshown);
    }
    luaL_pushresult(&b);
    lua_remove(L, -2);
}

void lagoon__push_goroutine(lua_State *L, struct script *s, const lg_g_info *info)
{
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    add_goroutine(&b, s, info, L, info->extra);
    luaL_pushresult(&b);
}

// stack([all]): of the calling goroutine, or of all.
static int stack(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct script_g *sg = lg_extra_self();
    if (lua_toboolean(L, 1)) {
        lagoon__push_dump(L, s, DUMP_RUNNING);
        return 1;
    }
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    if (sg != NULL && sg->script == s) {
        lg_g_info info = {.ref = lg_self(), .status = LG_RUNNING};
        info.strand = s->strand;
        info.extra = sg;
        add_goroutine(&b, s, &info, L, sg);
    } else {
        luaL_addstring(&b, "no goroutine:");
        lagoon__trace_frames(&b, L, 0, NULL);
    }
    luaL_pushresult(&b);
    return 1;
}

// -- tables --

static void set_string(lua_State *L, const char *key, const char *value)
{
    if (value) {
        lua_pushstring(L, value);
        lua_setfield(L, -2, key);
    }
}

static void set_where(lua_State *L, struct script_g *sg)
{
    lua_Debug ar;
    lua_State *co = sg == lg_extra_self() ? L : sg->donor ? sg->donor : sg->co;
    if (lagoon__script_frame(co, &ar)) {
        lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
        lua_setfield(L, -2, "where");
    }
}

static void set_created_by(lua_State *L, struct script_g *sg)
{
    if (sg->birth.source == NULL) {
        return;
    }
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    if (sg->parent) {
        lagoon__add_format(&b, "goroutine %llu at ", (unsigned long long)sg->parent);
    }
    lagoon__trace_birth(&b, &sg->birth);
    luaL_pushresult(&b);
    lua_setfield(L, -2, "created_by");
}

void lagoon__push_info(lua_State *L, struct script *s, const lg_g_info *info)
{
    struct script_g *sg = script_g_of(s, info);
    char copy[NAME_SIZE];
    lua_createtable(L, 0, 8);
    lua_pushnumber(L, (double)info->ref.id);
    lua_setfield(L, -2, "id");
    lua_pushnumber(L, (double)info->parent);
    lua_setfield(L, -2, "parent");
    set_string(L, "name", name_of(sg, info, copy));
    set_string(L, "status", status_of(info));
    if (info->status == LG_WAITING) {
        set_string(L, "wait_reason", info->wait_reason);
        lua_pushnumber(L, wait_seconds(s, info));
        lua_setfield(L, -2, "wait_seconds");
    }
    if (sg) {
        set_where(L, sg);
        set_created_by(L, sg);
    }
}

static int goroutines(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct snapshot *snapshot = lagoon__push_snapshot(L, s);
    lua_createtable(L, (int)snapshot->n, 0);
    for (size_t i = 0; i < snapshot->n; i++) {
        lagoon__push_info(L, s, &snapshot->infos[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

// The goroutine whose number is at index 1, of any state, in a snapshot that is pushed; NULL:
// there is none.
static const lg_g_info *push_asked(lua_State *L, struct script *s)
{
    double id = luaL_checknumber(L, 1);
    struct snapshot *snapshot = lagoon__push_snapshot(L, s);
    for (size_t i = 0; i < snapshot->n; i++) {
        if ((double)snapshot->infos[i].ref.id == id) {
            return &snapshot->infos[i];
        }
    }
    return NULL;
}

// goroutine_cancel(id): whether there was one.
static int goroutine_cancel(lua_State *L)
{
    const lg_g_info *info = push_asked(L, lagoon__script(L));
    lua_pushboolean(L, info != NULL && lg_cancel(info->ref) == LG_OK);
    return 1;
}

// goroutine_stack(id): what stack(true) says of one; nil: there is none.
static int goroutine_stack(lua_State *L)
{
    struct script *s = lagoon__script(L);
    const lg_g_info *info = push_asked(L, s);
    if (info == NULL) {
        lua_pushnil(L);
        return 1;
    }
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    add_goroutine(&b, s, info, L, script_g_of(s, info));
    luaL_pushresult(&b);
    return 1;
}

void lagoon__open_dump(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"stack", stack},
                                         {"goroutines", goroutines},
                                         {"goroutine_cancel", goroutine_cancel},
                                         {"goroutine_stack", goroutine_stack},
                                         {NULL, NULL}};
    lagoon__register(L, s, functions);
}
