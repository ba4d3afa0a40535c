// SPDX-License-Identifier: MIT
#include "timeline.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "goroutine.h"
#include "remote.h"
#include "state.h"
#include "task.h"
#include "trace.h"

bool lagoon__is_timeline(const char *path)
{
    static const char suffix[] = ".json";
    size_t length = strlen(path);
    return length >= sizeof suffix - 1 &&
           strcmp(path + length - (sizeof suffix - 1), suffix) == 0;
}

const char *lagoon__timeline_error(int rc)
{
    if (rc == LG_EBUSY) {
        return "what happens is being written down already";
    }
    return rc == LG_ESYSTEM - EBUSY ? "somebody else has changed the file"
                                    : lg_strerror(rc);
}

// -- who a goroutine is --

void lagoon__describe(lg_strand *strand, lg_g *g, void *extra, lg_label *label)
{
    (void)strand;
    (void)g;
    const struct script_g *sg = extra;
    char copy[NAME_SIZE];
    const char *name = sg->task ? lagoon__task_name(sg->task, copy) : NULL;
    if (name == NULL && sg->is_main && *label->name == '\0') {
        name = "main";
    }
    if (name != NULL) {
        snprintf(label->name, sizeof label->name, "%s", name);
    }
    if (sg->birth.source != NULL) {
        lagoon__birth_text(&sg->birth, label->place, sizeof label->place);
    }
}

// -- Lua functions --

static int push_failure(lua_State *L, const char *path, int rc)
{
    if (rc == LG_ENOMEM) {
        lagoon__raise_memory(L);
    }
    lua_pushnil(L);
    if (path != NULL) {
        lua_pushfstring(L, "cannot write %s: %s", path, lagoon__timeline_error(rc));
    } else {
        lua_pushfstring(L, "the trace is not whole: %s", lagoon__timeline_error(rc));
    }
    lua_pushstring(L, rc == LG_EBUSY ? "EBUSY" : lg_error_name(rc));
    return 3;
}

// trace_start(path): true, or nil, a message and a code.
static int trace_start(lua_State *L)
{
    lg_runtime *rt = lagoon__rt(L, lagoon__script(L));
    const char *path = lagoon__check_path(L, 1, "trace_start");
    lg_block_enter();
    int rc = lg_timeline_start(rt, path);
    lg_block_leave();
    if (rc != LG_OK) {
        return push_failure(L, path, rc);
    }
    lua_pushboolean(L, 1);
    return 1;
}

// trace_stop(): the same; true, too, if there is none.
static int trace_stop(lua_State *L)
{
    lg_runtime *rt = lagoon__rt(L, lagoon__script(L));
    lg_block_enter();
    int rc = lg_timeline_stop(rt);
    lg_block_leave();
    if (rc != LG_OK) {
        return push_failure(L, NULL, rc);
    }
    lua_pushboolean(L, 1);
    return 1;
}

void lagoon__open_timeline(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"trace_start", trace_start}, {"trace_stop", trace_stop}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
