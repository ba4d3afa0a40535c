// SPDX-License-Identifier: MIT
//
// One goroutine asks for the events, and hands them on (scripts/lagoon/fswatch.lua): what a call
// reports stands in the userdata.
#include "fswatch.h"

#include <lauxlib.h>
#include <string.h>

#include "fail.h"
#include "object.h"
#include "state.h"
#include "wait.h"
#include "worldly.h"

struct watch {
    struct object object;
    lg_fswatch *core; // NULL: finalised
    lg_fs_event event;
};

static struct watch *check_watch(lua_State *L, const char *method)
{
    struct watch *watch = lagoon__self(L, KIND_FSWATCH, method);
    if (watch->core == NULL) {
        lagoon__raise(L, "calling '%s' on a dead watch", method);
    }
    return watch;
}

// open(path)
static int open(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lagoon__rt(L, s);
    struct script_g *sg = lg_extra_self();
    const char *path = lagoon__check_path(L, 1, "watch");
    if (sg == NULL || sg->script != s) {
        lagoon__raise(L, "cannot watch a file outside a goroutine: " LAGOON_HOW_TO_WAIT);
    }
    struct watch *watch = lagoon__object_new(L, s, KIND_FSWATCH, sizeof *watch);
    int rc = lg_fswatch_open(path, &watch->core);
    return rc == LG_OK ? 1 : lagoon__return_failed(L, rc);
}

static const char *kind_of(lg_fs_kind kind)
{
    switch (kind) {
    case LG_FS_CHANGE: return "change";
    case LG_FS_RENAME: return "rename";
    case LG_FS_LOST: break;
    }
    return "overflow";
}

static int finish_next(lua_State *L, struct script_g *sg, int rc)
{
    const struct watch *watch = lua_touserdata(L, 1);
    if (rc != LG_OK) {
        return lagoon__finish_failed(L, sg, rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushstring(L, kind_of(watch->event.kind));
    lua_pushstring(L, watch->event.name);
    return 3;
}

// next(watch) -> kind, name
static int next(lua_State *L)
{
    struct watch *watch = check_watch(L, "next");
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_fswatch_next(watch->core, &watch->event, deadline_ns);
    return lagoon__settle_making(L, sg, rc, finish_next);
}

static int close(lua_State *L)
{
    lg_fswatch_close(check_watch(L, "close")->core); // or it was closed before
    return 0;
}

static int watch_free(lua_State *L)
{
    struct watch *watch = lagoon__object_at(L, 1, KIND_FSWATCH);
    if (watch == NULL) {
        return 0; // a script has called it
    }
    if (watch->core != NULL && lagoon__rt_of_ends(watch->object.script) != NULL) {
        lg_fswatch_free(watch->core);
    }
    watch->core = NULL;
    lagoon__object_end(&watch->object);
    return 0;
}

void lagoon__open_fswatch(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"fswatch_open", open},
                                         {"fswatch_next", next},
                                         {"fswatch_close", close},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", watch_free}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_FSWATCH);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
