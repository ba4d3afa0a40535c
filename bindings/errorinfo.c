// SPDX-License-Identifier: MIT
#include "errorinfo.h"

#include <lauxlib.h>

#include "fail.h"
#include "remote.h"
#include "report.h"
#include "state.h"
#include "task.h"
#include "trace.h"

// Pushes where a goroutine was started, or nil.
static void push_birth(lua_State *L, const struct script_g *sg)
{
    if (sg->birth.source == NULL) {
        lua_pushnil(L);
        return;
    }
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    lagoon__trace_birth(&b, &sg->birth);
    luaL_pushresult(&b);
}

void lagoon__push_error_info(lua_State *L, struct script_g *sg)
{
    char copy[NAME_SIZE];
    lagoon__check_room(L, 8, "no room for an error");
    lua_createtable(L, 0, 4);
    lua_pushnumber(L, (double)sg->id);
    lua_setfield(L, -2, "id");
    lua_pushstring(L, sg->task ? lagoon__task_name(sg->task, copy) : NULL);
    lua_setfield(L, -2, "name");
    push_birth(L, sg);
    lua_setfield(L, -2, "created_by");
    if (sg->parent != 0) {
        lua_pushnumber(L, (double)sg->parent);
        lua_setfield(L, -2, "parent");
    }
}

bool lagoon__tell_host(lua_State *L, struct script_g *sg)
{
    char copy[NAME_SIZE];
    int top = lua_gettop(L);
    lagoon__check_room(L, 8, "no room for an error");
    lua_pushvalue(L, top - 1);
    lagoon__error_text(L);
    push_birth(L, sg);
    const lg_error_info info = {
        .goroutine = sg->id,
        .parent = sg->parent,
        .name = sg->task ? lagoon__task_name(sg->task, copy) : NULL,
        .message = lua_tostring(L, top + 1),
        .traceback = lua_tostring(L, top),
        .created_by = lua_tostring(L, top + 2),
    };
    bool is_told = lg_tell_error(sg->script->rt, &info);
    lua_settop(L, top);
    return is_told;
}

void lagoon__tell_failure(lg_runtime *rt, const char *words)
{
    const lg_error_info info = {.message = words};
    if (!lg_tell_error(rt, &info)) {
        lagoon__print_error(words);
    }
}
